"""Tables whose cells are divided by drawn lines."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product

from engines.parsing.pages.aligned_cells import rows_of, words_of
from engines.parsing.pages.blocks import Line
from engines.parsing.pages.line_joining import join_lines
from engines.parsing.pages.rules import Rule, Rules

_TOUCH = 3.0
_MAX_CROSSINGS = 40_000
_MIN_CELL_SHARE = 0.6
_MIN_UNDIVIDED_ROWS = 3

_Cell = tuple[int, int]


class Grid:
    """Rules that touch each other. `columns` and `rows` are the positions of the lines around the cells."""

    def __init__(self, horizontal: list[Rule], vertical: list[Rule]) -> None:
        self._horizontal, self._vertical = horizontal, vertical
        self.columns = _positions(vertical, horizontal)
        self.rows = _positions(horizontal, vertical)
        self.spans = self._first_cells() if len(self.columns) > 2 and len(self.rows) > 2 else {}

    def holds(self, line: Line) -> bool:
        x, y = (line.left + line.right) / 2, (line.top + line.bottom) / 2
        return self.columns[0] <= x <= self.columns[-1] and self.rows[0] <= y <= self.rows[-1]

    def cells(self, lines: Iterable[Line]) -> list[list[str]]:
        """Return the text of each cell. A cell that spans several columns or rows is repeated in them."""
        lines = list(lines)
        self._divide_rows(lines)
        spans = self.spans
        parts = defaultdict[_Cell, list[str]](list)
        for line in lines:
            row = self._index(self.rows, (line.top + line.bottom) / 2)
            for column, text in self._parts(line):
                parts[spans[row, column]].append(text)
        texts = {cell: join_lines(part) for cell, part in parts.items()}
        return [
            [texts.get(spans[row, column], "") for column in range(len(self.columns) - 1)]
            for row in range(len(self.rows) - 1)
        ]

    def _divide_rows(self, lines: Sequence[Line]) -> None:
        """Divide the parts without lines between their rows: several, all of which have the first and most other columns."""
        for top, bottom in pairwise(self.rows.copy()):
            rows = rows_of(line for line in lines if top <= (line.top + line.bottom) / 2 <= bottom)
            filled = [{column for line in row for column, _ in self._parts(line)} for row in rows]
            most = len(set().union(*filled)) * 0.66
            if (
                len(rows) >= _MIN_UNDIVIDED_ROWS
                and most > 1
                and all(0 in one and len(one) >= most for one in filled)
            ):
                self.rows += [(one[0].bottom + other[0].top) / 2 for one, other in pairwise(rows)]
                self._horizontal += [
                    Rule(at, self.columns[0], self.columns[-1]) for at in self.rows[-len(rows) + 1 :]
                ]
        self.rows.sort()
        self.spans = self._first_cells()

    def _parts(self, line: Line) -> Iterator[tuple[int, str]]:
        """Divide the line at the columns."""
        column, text = -1, ""
        for word in words_of(line):
            at = self._index(self.columns, (word.left + word.right) / 2)
            if at != column and text:
                yield column, text
                text = ""
            text += f"{' ' if word.space and text else ''}{word.text}"
            column = at
        yield column, text

    @staticmethod
    def _index(positions: Sequence[float], value: float) -> int:
        return min(max(bisect_right(positions, value) - 1, 0), len(positions) - 2)

    def _first_cells(self) -> dict[_Cell, _Cell]:
        """Return for each cell the first one that no line divides from it."""
        first = {cell: cell for cell in product(range(len(self.rows) - 1), range(len(self.columns) - 1))}
        for row, column in first:
            middle_x = (self.columns[column] + self.columns[column + 1]) / 2
            middle_y = (self.rows[row] + self.rows[row + 1]) / 2
            if column and not _has_rule(self._vertical, self.columns[column], middle_y):
                first[row, column] = first[row, column - 1]
            elif row and not _has_rule(self._horizontal, self.rows[row], middle_x):
                first[row, column] = first[row - 1, column]
        return first


def grids(rules: Rules) -> list[Grid]:
    """Return those with two rows and two columns at least. Where few of the places are cells of their own, something else is
    drawn."""
    if len(rules.horizontal) * len(rules.vertical) > _MAX_CROSSINGS:
        return []
    found = (Grid(horizontal, vertical) for horizontal, vertical in _connected(rules))
    return [
        grid for grid in found if len(set(grid.spans.values())) > max(2, len(grid.spans) * _MIN_CELL_SHARE)
    ]


def _connected(rules: Rules) -> Iterator[tuple[list[Rule], list[Rule]]]:
    waiting_horizontal, waiting_vertical = set(rules.horizontal), set(rules.vertical)
    while waiting_horizontal:
        horizontal, vertical = [waiting_horizontal.pop()], list[Rule]()
        size = 0
        while size < len(horizontal) + len(vertical):
            size = len(horizontal) + len(vertical)
            touching = {one for one in waiting_vertical if any(_touch(one, other) for other in horizontal)}
            vertical += touching
            waiting_vertical -= touching
            crossed = {one for one in waiting_horizontal if any(_touch(other, one) for other in vertical)}
            horizontal += crossed
            waiting_horizontal -= crossed
        yield horizontal, vertical


def _touch(vertical: Rule, horizontal: Rule) -> bool:
    return (
        vertical.start - _TOUCH <= horizontal.at <= vertical.end + _TOUCH
        and horizontal.start - _TOUCH <= vertical.at <= horizontal.end + _TOUCH
    )


def _positions(across: Iterable[Rule], along: Sequence[Rule]) -> list[float]:
    """Return where the rules are, and where those across them begin and end, as a table may have no line around it."""
    found = sorted(rule.at for rule in across)
    ends = [min((rule.start for rule in along), default=0.0), max((rule.end for rule in along), default=0.0)]
    positions = [at for last, at in pairwise([float("-inf"), *found]) if at - last > _TOUCH]
    if positions and positions[0] - ends[0] > 2 * _TOUCH:
        positions.insert(0, ends[0])
    if positions and ends[1] - positions[-1] > 2 * _TOUCH:
        positions.append(ends[1])
    return positions


def _has_rule(rules: Iterable[Rule], at: float, through: float) -> bool:
    return any(abs(rule.at - at) <= _TOUCH and rule.start - 1 <= through <= rule.end + 1 for rule in rules)
