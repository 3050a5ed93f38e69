"""The lines that a grid leaves out: many tables have them only around groups of columns, below their header, or in each
second row. Text that stands in rows and columns shows where they would be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from engines.parsing.pages.aligned_cells import rows_of
from engines.parsing.pages.aligned_columns import Row, aligned_columns
from engines.parsing.pages.blocks import Line, are_in_row
from engines.parsing.pages.rules import Rule, Rules

if TYPE_CHECKING:
    from engines.parsing.pages.grids import Grid

_HAS_DIGIT = re.compile("[0-9]")
_MIN_ROWS = 3
_MIN_STACKED_ROWS = 4
_MIN_COMPLETE_SHARE = 0.8
_MIN_FILLED_SHARE = 0.66
_MIN_DIVIDED_SHARE = 0.5


def between_columns(grid: Grid, lines: Sequence[Line]) -> Rules:
    """Return the lines within columns whose text mostly stands in columns of its own."""
    rules = Rules([], [])
    for left, right in pairwise(grid.columns):
        rows = rows_of(line for line in lines if left <= _middle(line) <= right)
        several = sum(len(row) > 1 for row in rows)
        if several < max(_MIN_ROWS, _MIN_DIVIDED_SHARE * len(rows)):
            continue
        columns = aligned_columns(rows)
        for one, other in pairwise(columns):
            x = (one[1] + other[0]) / 2
            for start, end in _uncrossed(grid, rows, x):
                rules.vertical.append(Rule(x, start, end))
                rules.horizontal.extend(Rule(y, left, right) for y in (start, end) if y not in grid.rows)
    return rules


def _uncrossed(grid: Grid, rows: Sequence[Row], x: float) -> Iterator[tuple[float, float]]:
    """Yield the parts of the height in which no text crosses the position. They end at lines of the grid if there are some
    between the rows of text."""
    start = grid.rows[0]
    for above, below in pairwise(rows):
        y = (above[0].bottom + below[0].top) / 2
        y = next((at for at in grid.rows if above[0].top < at < below[0].bottom), y)
        if _crosses(above, x) != _crosses(below, x):
            if not _crosses(above, x):
                yield start, y
            start = y
    if not _crosses(rows[-1], x):
        yield start, grid.rows[-1]


def _crosses(row: Row, x: float) -> bool:
    return any(line.left < x < line.right and not _is_between_numbers(line, x) for line in row)


def _is_between_numbers(line: Line, x: float) -> bool:
    return any(
        one.right <= x <= other.left
        and other.space
        and _HAS_DIGIT.search(one.text)
        and _HAS_DIGIT.search(other.text)
        for one, other in pairwise(line.words)
    )


def between_rows(grid: Grid, lines: Sequence[Line]) -> Rules:
    """Return the lines between several rows of text, which mostly have the first and most other columns."""
    rules = Rules([], [])
    for top, bottom in pairwise(grid.rows):
        rows = rows_of(line for line in lines if top <= _height(line) <= bottom)
        filled = [{column for line in row for column, _ in grid.parts(line)} for row in rows]
        most = len(set().union(*filled)) * _MIN_FILLED_SHARE
        complete = sum(0 in one and len(one) >= most for one in filled)
        if most > 1 and complete >= max(_MIN_ROWS, _MIN_COMPLETE_SHARE * len(rows)):
            places = [(one[0].bottom + other[0].top) / 2 for one, other in pairwise(rows)]
            rules.horizontal.extend(Rule(at, grid.columns[0], grid.columns[-1]) for at in places)
    return rules


def within_cells(grid: Grid, lines: Sequence[Line]) -> Rules:
    """Return the lines of other rows and columns that cells without them need: their text stands in several of these."""
    rules = Rules([], [])
    for row, (top, bottom) in enumerate(pairwise(grid.rows)):
        for columns in _merged([grid.spans[row, column] for column in range(len(grid.columns) - 1)]):
            inner = [grid.columns[column] for column in columns[1:]]
            here = [line for line in lines if top <= _height(line) <= bottom]
            inside = [
                one
                for one in here
                if grid.columns[columns[0]] <= _middle(one) <= grid.columns[columns[-1] + 1]
            ]
            if any(len(one) > 1 for one in rows_of(inside)):
                rules.vertical.extend(Rule(x, top, bottom) for x in inner if not _crosses(inside, x))
    for column, (left, right) in enumerate(pairwise(grid.columns)):
        here = [line for line in lines if left <= line.left and line.right <= right]
        for rows in _merged([grid.spans[row, column] for row in range(len(grid.rows) - 1)]):
            if _are_stacked(grid, rows, here, lines):
                rules.horizontal.extend(Rule(grid.rows[row], left, right) for row in rows[1:])
    return rules


def _merged(first_cells: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Yield the places of the cells that are one."""
    for _, places in groupby(range(len(first_cells)), first_cells.__getitem__):
        found = list(places)
        if len(found) > 1:
            yield found


def _are_stacked(grid: Grid, rows: Sequence[int], inside: Sequence[Line], lines: Sequence[Line]) -> bool:
    """Return whether there is a line of text in each row, beside others in the same row."""
    found = rows_of(line for line in inside if grid.rows[rows[0]] <= _height(line) <= grid.rows[rows[-1] + 1])
    tops = [grid.row_of(line[0]) for line in found]
    return (
        len(found) >= _MIN_STACKED_ROWS
        and len(set(tops)) == len(tops)
        and all(any(other is not row[0] and are_in_row(other, row[0]) for other in lines) for row in found)
    )


def _middle(line: Line) -> float:
    return (line.left + line.right) / 2


def _height(line: Line) -> float:
    return (line.top + line.bottom) / 2
