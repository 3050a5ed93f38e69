"""Tables without lines between their columns: short pieces of text, row by row, below each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import fmean, median

from engines.parsing.pages.blocks import Line, Word, are_in_row
from engines.parsing.pages.line_joining import join_lines

_MAX_ROW_GAP = 2.2  # in sizes
_MAX_CELL_LETTERS = 60
_MIN_PROSE_LETTERS = 18
_MIN_UNSPACED_PROSE_LETTERS = 9
_MIN_PROSE_SHARE = 0.35
_MIN_COLUMN_GAP = 0.45
_MAX_LEADING = 1.35
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")

_MIN_EVEN_SHARE = 0.8
_MIN_ALIGNED_SHARE = 0.55
_MIN_FILLED_SHARE = 0.45

Row = list[Line]
_EDGES: tuple[Callable[[Line], float], ...] = (
    lambda line: line.left,
    lambda line: line.right,
    lambda line: (line.left + line.right) / 2,
)


def rows_of(lines: Iterable[Line]) -> list[Row]:
    """Return the lines row by row, each from left to right."""
    rows: list[Row] = []
    for line in sorted((line for line in lines if line.size > 0), key=lambda line: line.top + line.bottom):
        if rows and are_in_row(rows[-1][0], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    for row in rows:
        row.sort(key=lambda line: line.left)
    return rows


def runs(rows: Iterable[Row], max_letters: int = _MAX_CELL_LETTERS) -> list[list[Row]]:
    """Return the sequences of rows that may be a table: they begin and end with several cells."""
    found: list[list[Row]] = [[]]
    for row in rows:
        run = found[-1]
        is_short = all(len(line.text) <= max_letters for line in row)
        is_near = bool(run) and row[0].top - run[-1][0].bottom <= _MAX_ROW_GAP * max(
            row[0].size, run[-1][0].size
        )
        if not (is_short and is_near):
            found.append([])
        if is_short and (len(row) > 1 or found[-1]):
            found[-1].append(row)
    return [trimmed for run in found if len(trimmed := _trimmed(run)) > 1]


def _trimmed(run: list[Row]) -> list[Row]:
    """Leave out single pieces at the end, but for the rest of a cell that has not the place of the first column."""
    end = len(run)
    while end and len(run[end - 1]) == 1 and run[end - 1][0].left <= run[0][0].right:
        end -= 1
    return run[:end]


def cells(run: list[Row], dividers: Sequence[float]) -> list[list[str]] | None:
    """Return the text of the cells; None if the run is no table. `dividers` are the positions of lines between rows."""
    columns = aligned_columns(run)
    if not columns:
        return None
    several = [row for row in run if len(row) > 1]
    if len(several) < (2 if len(columns) > 2 else 3) or len(several) * 2 < len(run):
        return None
    rows = _joined_rows([(row, _row_cells(row, columns)) for row in run], dividers)
    filled = sum(bool(text) for row in rows for text in row)
    return rows if filled >= _MIN_FILLED_SHARE * len(rows) * len(columns) else None


def aligned_columns(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Return the columns in which the text stands; none if it is prose, or has no order."""
    columns = _columns(rows)
    return [] if len(columns) < 2 or _is_prose(rows, columns) or not _is_regular(rows, columns) else columns


def _columns(run: Iterable[Row]) -> list[tuple[float, float]]:
    """Return the parts of the width that text takes, in nearly all rows with several cells. Those that never stand in one
    row are one."""
    several = [row for row in run if len(row) > 1]
    covered = dict[int, int]()
    for row in several:
        for word in (word for line in row for word in words_of(line)):
            for x in range(int(word.left), int(word.right) + 1):
                covered[x] = covered.get(x, 0) + 1
    limit = len(several) // 8
    columns: list[tuple[float, float]] = []
    for x in sorted(x for x, count in covered.items() if count > limit):
        if columns and x - columns[-1][1] <= _MIN_COLUMN_GAP * several[0][0].size:
            columns[-1] = columns[-1][0], float(x)
        else:
            columns.append((float(x), float(x)))
    return _without_halves(columns, several)


def _without_halves(columns: list[tuple[float, float]], rows: Sequence[Row]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for column in columns:
        if kept and not any(_fills(row, kept[-1]) and _fills(row, column) for row in rows):
            kept[-1] = kept[-1][0], column[1]
        else:
            kept.append(column)
    return kept


def _fills(row: Row, column: tuple[float, float]) -> bool:
    return any(min(line.right, column[1]) - max(line.left, column[0]) > 0 for line in row)


def _is_prose(run: Sequence[Row], columns: Sequence[tuple[float, float]]) -> bool:
    """Return whether two columns at least are of long lines, of which many begin within a sentence."""
    long_columns = 0
    for column in columns:
        texts = [
            line.text for row in run for line in row if column[0] <= (line.left + line.right) / 2 <= column[1]
        ]
        if not texts:
            continue
        is_unspaced = fmean(bool(_UNSPACED.search(text)) for text in texts) > 0.5
        limit = _MIN_UNSPACED_PROSE_LETTERS if is_unspaced else _MIN_PROSE_LETTERS
        within = fmean(text[:1].islower() or is_unspaced for text in texts)
        long_columns += fmean(map(len, texts)) >= limit and within >= _MIN_PROSE_SHARE
    return long_columns > 1


def _is_regular(run: Sequence[Row], columns: Sequence[tuple[float, float]]) -> bool:
    """Return whether most cells stand on the baseline of their row, in one size, and aligned with others in their column. In
    formulas and drawings they do not."""
    lines = [line for row in run for line in row]
    size = median(line.size for line in lines)
    even = sum(abs(line.bottom - max(row, key=_width).bottom) < 0.15 * size for row in run for line in row)
    same = sum(abs(line.size - size) < 0.1 * size for line in lines)
    aligned = total = 0
    for column in columns:
        cells = [line for line in lines if column[0] <= (line.left + line.right) / 2 <= column[1]]
        if len(cells) > 2:
            total += len(cells)
            aligned += max(_aligned([edge(line) for line in cells], 0.25 * size) for edge in _EDGES)
    return min(even, same) >= _MIN_EVEN_SHARE * len(lines) and aligned >= _MIN_ALIGNED_SHARE * total


def _width(line: Line) -> float:
    return line.right - line.left


def _aligned(places: Sequence[float], tolerance: float) -> int:
    """Return how many of the places are one."""
    return max(sum(abs(place - other) <= tolerance for other in places) for place in places)


def _row_cells(row: Row, columns: Sequence[tuple[float, float]]) -> list[str]:
    """Return a text for each column. What spans several columns is repeated in them."""
    texts = [""] * len(columns)
    for line in row:
        for part in _divided(line, columns):
            touched = [
                at
                for at, column in enumerate(columns)
                if min(part.right, column[1]) - max(part.left, column[0]) > 0
            ]
            for at in touched or [_nearest(part, columns)]:
                texts[at] = f"{texts[at]} {part.text}".strip()
    return texts


def words_of(line: Line) -> tuple[Word, ...]:
    return line.words or (Word(line.text, line.left, line.right, False),)


def _nearest(part: Word, columns: Sequence[tuple[float, float]]) -> int:
    middle = (part.left + part.right) / 2
    return min(range(len(columns)), key=lambda at: abs(middle - (columns[at][0] + columns[at][1]) / 2))


def _divided(line: Line, columns: Sequence[tuple[float, float]]) -> list[Word]:
    """Divide a line where a space is between two columns."""
    parts: list[Word] = []
    gaps = [(one[1], other[0]) for one, other in pairwise(columns)]
    for word in words_of(line):
        last = parts[-1] if parts else None
        if last is None or (
            word.space
            and any(
                last.right <= gap[1] and word.left >= gap[0] and word.left - last.right > 0.3 * line.size
                for gap in gaps
            )
        ):
            parts.append(word)
        else:
            space = " " if word.space else ""
            parts[-1] = Word(
                last.text + space + word.text,
                min(last.left, word.left),
                max(last.right, word.right),
                last.space,
            )
    return parts


def _joined_rows(rows: Sequence[tuple[Row, list[str]]], dividers: Sequence[float]) -> list[list[str]]:
    """Join the lines of a row whose cells have several: no line is drawn between them where lines divide the rows, or they
    stand closer than the rows."""
    pitches = [other[0][0].bottom - one[0][0].bottom for one, other in pairwise(rows)]
    inner = [y for y in dividers if rows[0][0][0].top < y < rows[-1][0][0].bottom]
    joined = [list(rows[0][1])]
    for (row, texts), pitch in zip(rows[1:], pitches, strict=True):
        line = row[0]
        is_divided = any(line.top - pitch < y < line.bottom - 0.3 * line.size for y in inner)
        is_close = pitch <= _MAX_LEADING * line.size and max(pitches) > 1.15 * pitch
        if _goes_on(joined[-1], texts) and (is_close or (len(inner) > 1 and not is_divided)):
            joined[-1] = [join_lines(filter(None, pair)) for pair in zip(joined[-1], texts, strict=True)]
        else:
            joined.append(texts)
    return joined


def _goes_on(above: Sequence[str], texts: Sequence[str]) -> bool:
    """Return whether the texts may be the rest of the cells above: words, below words, not in all columns unless all begin
    within a sentence."""
    filled = [at for at, text in enumerate(texts) if text]
    are_words = all(above[at] and texts[at][:1].isalpha() for at in filled)
    return are_words and (not texts[0] or all(texts[at][:1].islower() for at in filled))
