"""Columns of text that stands in rows below each other."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import fmean, median

from engines.parsing.pages.blocks import Line, Word, overlap_across
from engines.parsing.pages.paragraphs import BULLET

_MIN_PROSE_LETTERS = 18
_MIN_UNSPACED_PROSE_LETTERS = 9
_MIN_PROSE_SHARE = 0.35
_MIN_COLUMN_GAP = 0.45
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")

_MIN_EVEN_SHARE = 0.8
_MIN_ALIGNED_SHARE = 0.55
_MIN_COMPLETE_ROWS, _MIN_COMPLETE_SHARE = 3, 0.5
_MAX_ODD_SHARE = 0.12

Row = list[Line]
Column = tuple[float, float]
_EDGES: tuple[Callable[[Line], float], ...] = (
    lambda line: line.left,
    lambda line: line.right,
    lambda line: (line.left + line.right) / 2,
)


def aligned_columns(rows: Sequence[Row]) -> list[Column]:
    """Return the columns in which the text stands; none if it is prose, or has no order."""
    columns = _columns(rows)
    return [] if len(columns) < 2 or _is_prose(rows, columns) or not _is_regular(rows, columns) else columns


def _columns(run: Iterable[Row]) -> list[Column]:
    several = [row for row in map(_apart, run) if len(row) > 1]
    return _complete_columns(several) or _without_halves(_covered(several), several)


def _apart(row: Row) -> Row:
    """Leave out the further lines of a text."""
    return [line for at, line in enumerate(row) if not at or are_beside(row[at - 1], line)]


def are_beside(one: Line, other: Line) -> bool:
    return overlap_across(one, other) <= 0


def _complete_columns(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of the rows that have text in each of them, if these are most of the rows."""
    count = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    complete = [row for row in rows if len(row) == count]
    if len(complete) < max(_MIN_COMPLETE_ROWS, _MIN_COMPLETE_SHARE * len(rows)):
        return []
    columns = [
        (median(line.left for line in column), median(line.right for line in column))
        for column in zip(*complete, strict=True)
    ]
    odd = sum(len(row) > count for row in rows)
    odd += sum(not all(map(touches, row, columns)) for row in complete)
    ends = [(one[1] + other[0]) / 2 for one, other in pairwise(columns)]
    if odd > _MAX_ODD_SHARE * len(rows) or any(one[1] > other[0] for one, other in pairwise(columns)):
        return []
    return [
        (
            max(min(line.left for line in column), end_before),
            min(max(line.right for line in column), end),
        )
        for column, end_before, end in zip(
            zip(*complete, strict=True), [float("-inf"), *ends], [*ends, float("inf")], strict=True
        )
    ]


def touches(placed: Line | Word, column: Column) -> bool:
    return min(placed.right, column[1]) - max(placed.left, column[0]) > 0


def _covered(several: Sequence[Row]) -> list[Column]:
    """Return the parts of the width that text takes, in nearly all rows with several cells. Those that never stand in one
    row are one."""
    covered = Counter[int]()
    for row in several:
        for word in (word for line in row for word in words_of(line)):
            covered.update(range(int(word.left), int(word.right) + 1))
    limit = len(several) // 8
    columns: list[Column] = []
    for x in sorted(x for x, count in covered.items() if count > limit):
        if columns and x - columns[-1][1] <= _MIN_COLUMN_GAP * several[0][0].size:
            columns[-1] = columns[-1][0], float(x)
        else:
            columns.append((float(x), float(x)))
    return columns


def _without_halves(columns: list[Column], rows: Sequence[Row]) -> list[Column]:
    kept: list[Column] = []
    for column in columns:
        if kept and not any(_fills(row, kept[-1]) and _fills(row, column) for row in rows):
            kept[-1] = kept[-1][0], column[1]
        else:
            kept.append(column)
    return kept


def _fills(row: Row, column: Column) -> bool:
    return any(touches(line, column) for line in row)


def _is_prose(run: Sequence[Row], columns: Sequence[Column]) -> bool:
    return are_prose(
        [line.text for row in run for line in row if column[0] <= (line.left + line.right) / 2 <= column[1]]
        for column in columns
    )


def are_prose(columns: Iterable[Sequence[str]]) -> bool:
    """Return whether two columns at least are of long lines, of which many begin within a sentence. The first lines of items
    say nothing of that."""
    long_columns = 0
    for texts in filter(None, columns):
        is_unspaced = fmean(bool(_UNSPACED.search(text)) for text in texts) > 0.5
        limit = _MIN_UNSPACED_PROSE_LETTERS if is_unspaced else _MIN_PROSE_LETTERS
        lines = [text for text in texts if not BULLET.match(text)] or texts
        within = fmean(text[:1].islower() or is_unspaced for text in lines)
        long_columns += fmean(map(len, texts)) >= limit and within >= _MIN_PROSE_SHARE
    return long_columns > 1


def _is_regular(run: Sequence[Row], columns: Sequence[Column]) -> bool:
    """Return whether most cells stand on the baseline of their row, in one size, and aligned with others in their column. In
    formulas and drawings they do not."""
    lines = [line for row in run for line in row]
    size = median(line.size for line in lines)
    level = [row for row in map(_single_lines, run) if row]
    even = sum(_aligned([line.bottom for line in row], 0.15 * size) for row in level)
    same = sum(abs(line.size - size) < 0.1 * size for line in lines)
    aligned = total = 0
    for column in columns:
        cells = [line for line in lines if column[0] <= (line.left + line.right) / 2 <= column[1]]
        if len(cells) > 2:
            total += len(cells)
            aligned += max(_aligned([edge(line) for line in cells], 0.25 * size) for edge in _EDGES)
    return (
        even >= _MIN_EVEN_SHARE * sum(map(len, level))
        and same >= _MIN_EVEN_SHARE * len(lines)
        and aligned >= _MIN_ALIGNED_SHARE * total
    )


def _single_lines(row: Row) -> Row:
    """Leave out the lines of texts with several."""
    return [line for line in row if all(line is other or are_beside(line, other) for other in row)]


def _aligned(places: Sequence[float], tolerance: float) -> int:
    """Return how many of the places are one."""
    found = sorted(places)
    return max(
        bisect_right(found, place + tolerance) - bisect_left(found, place - tolerance) for place in found
    )


def words_of(line: Line) -> tuple[Word, ...]:
    return line.words or (Word(line.text, line.left, line.right, False),)
