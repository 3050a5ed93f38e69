"""Tables without lines between their columns: short pieces of text, row by row, below each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from engines.parsing.pages.aligned_columns import Column, Row, aligned_columns, are_beside, touches, words_of
from engines.parsing.pages.blocks import Line, Word, are_in_row
from engines.parsing.pages.leaders import without_leaders
from engines.parsing.pages.line_joining import join_lines
from engines.parsing.pages.rules import Rule

_MAX_ROW_GAP = 2.2  # in sizes
_MAX_CELL_LETTERS = 60
_MAX_LEADING = 1.35
_MIN_FILLED_SHARE = 0.45
_MIN_OVERLAP = 0.15  # in sizes: rows of a table do not overlap
_MIN_COVERED_SHARE = 0.3
_MAX_RULE_GAP = 0.9  # in sizes
_MAX_OFF_CENTRE = 0.1


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


def _whole_rows(rows: Iterable[Row]) -> list[Row]:
    """Return the rows with the lines of a label that stand above and below the middle of its row."""
    whole: list[Row] = []
    last: Row = []
    for row in rows:
        if last and _is_label_of_row(last, row):
            whole[-1] = sorted([*whole[-1], *row], key=lambda line: line.left)
        else:
            whole.append(row)
        last = row
    return whole


def _is_label_of_row(one: Row, other: Row) -> bool:
    return (
        min(len(one), len(other)) == 1 < max(len(one), len(other))
        and other[0].top < one[0].bottom - _MIN_OVERLAP * one[0].size
        and all(are_beside(line, below) for line in one for below in other)
    )


def runs(rows: Iterable[Row], max_letters: int = _MAX_CELL_LETTERS) -> list[list[Row]]:
    """Return the sequences of rows that may be a table: they begin and end with several cells."""
    found: list[list[Row]] = [[]]
    for row in _whole_rows(rows):
        run = found[-1]
        is_short = any(line.has_leaders for line in row) or all(len(line.text) <= max_letters for line in row)
        is_near = bool(run) and row[0].top - max(line.bottom for line in run[-1]) <= _MAX_ROW_GAP * max(
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


def cells(run: list[Row], rules: Sequence[Rule]) -> list[list[str]] | None:
    """Return the text of the cells; None if the run is no table. `rules` are the lines drawn between rows."""
    columns = aligned_columns(run)
    if not columns:
        return None
    several = [row for row in run if len(row) > 1]
    if len(several) < (2 if len(columns) > 2 else 3) or len(several) * 2 < len(run):
        return None
    rows = _joined_rows([(row, _row_cells(row, columns, rules)) for row in run], [rule.at for rule in rules])
    filled = sum(bool(text) for row in rows for text in row)
    return rows if filled >= _MIN_FILLED_SHARE * len(rows) * len(columns) else None


def _row_cells(row: Row, columns: Sequence[Column], rules: Sequence[Rule]) -> list[str]:
    """Return a text for each column. What spans several columns is repeated in them."""
    if len(row) == len(columns) and all(map(touches, row, columns)):
        return [without_leaders(line.text) for line in row]
    texts = [""] * len(columns)
    for line in row:
        rule = _rule_below(line, row, rules, columns[0])
        parts = [Word(line.text, rule.start, rule.end, False)] if rule else _divided(line, columns)
        for part in parts:
            for at in _spanned(part, columns) or [_nearest(part, columns)]:
                texts[at] = f"{texts[at]} {without_leaders(part.text)}".strip()
    return texts


def _rule_below(line: Line, row: Row, rules: Sequence[Rule], first: Column) -> Rule | None:
    """Return the line drawn below the columns that a text names together, in whose middle it stands alone. The first column
    is not one of them."""
    for rule in rules:
        is_below = -0.3 <= (rule.at - line.bottom) / line.size <= _MAX_RULE_GAP
        if is_below and first[0] + first[1] < 2 * rule.start <= 2 * line.left + 2 <= 2 * rule.end:
            off_centre = abs(rule.start + rule.end - line.left - line.right) / 2
            above = sum(rule.start < other.right and other.left < rule.end for other in row)
            if above == 1 and off_centre <= _MAX_OFF_CENTRE * (rule.end - rule.start):
                return rule
    return None


def _spanned(part: Word, columns: Sequence[Column]) -> list[int]:
    """Return the columns of which the text covers some."""
    return [
        at
        for at, (left, right) in enumerate(columns)
        if min(part.right, right) - max(part.left, left)
        > _MIN_COVERED_SHARE * min(right - left, part.right - part.left)
    ]


def _nearest(part: Word, columns: Sequence[Column]) -> int:
    middle = (part.left + part.right) / 2
    return min(range(len(columns)), key=lambda at: abs(middle - (columns[at][0] + columns[at][1]) / 2))


def _divided(line: Line, columns: Sequence[Column]) -> list[Word]:
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
