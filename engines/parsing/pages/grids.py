"""Tables whose cells are divided by drawn lines."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from engines.parsing.pages.aligned_columns import words_of
from engines.parsing.pages.blocks import Line
from engines.parsing.pages.line_joining import join_lines
from engines.parsing.pages.missing_rules import between_columns, between_rows, within_cells
from engines.parsing.pages.rules import Rule, Rules

_TOUCH = 3.0
_MIN_CELL = 0.8  # in sizes: lines closer to each other are one double line
_MAX_CROSSINGS = 40_000
_MIN_CELL_SHARE = 0.6

_Cell = tuple[int, int]


class Grid:
    """Rules that touch each other. `columns` and `rows` are the positions of the lines around the cells."""

    def __init__(self, horizontal: list[Rule], vertical: list[Rule], min_cell: float) -> None:
        self.columns = _positions(vertical, horizontal, min_cell)
        self.rows = _positions(horizontal, vertical, min_cell)
        self._horizontal, self._vertical = _snapped(horizontal, self.rows), _snapped(vertical, self.columns)
        self.spans = self._first_cells() if len(self.columns) > 2 and len(self.rows) > 2 else {}

    def holds(self, line: Line) -> bool:
        x, y = (line.left + line.right) / 2, (line.top + line.bottom) / 2
        return self.columns[0] <= x <= self.columns[-1] and self.rows[0] <= y <= self.rows[-1]

    def cells(self, lines: Sequence[Line]) -> list[list[str]]:
        """Return the text of each cell. A cell that spans several columns or rows is repeated in them."""
        for missing in (between_rows, between_columns, within_cells):
            self._add(missing(self, lines))
        spans = self.spans
        parts = defaultdict[_Cell, list[str]](list)
        for line in lines:
            row = self.row_of(line)
            for column, text in self.parts(line):
                parts[spans[row, column]].append(text)
        texts = {cell: join_lines(part) for cell, part in parts.items()}
        return [
            [texts.get(spans[row, column], "") for column in range(len(self.columns) - 1)]
            for row in range(len(self.rows) - 1)
        ]

    def _add(self, rules: Rules) -> None:
        self.columns = sorted({*self.columns, *(rule.at for rule in rules.vertical)})
        self.rows = sorted({*self.rows, *(rule.at for rule in rules.horizontal)})
        self._horizontal += rules.horizontal
        self._vertical += rules.vertical
        self.spans = self._first_cells()

    def row_of(self, line: Line) -> int:
        return self._index(self.rows, (line.top + line.bottom) / 2)

    def parts(self, line: Line) -> Iterator[tuple[int, str]]:
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


def grids(rules: Rules, size: float) -> list[Grid]:
    """Return those with two rows and two columns at least, around text of this size. Where few of the places are cells of
    their own, something else is drawn."""
    if len(rules.horizontal) * len(rules.vertical) > _MAX_CROSSINGS:
        return []
    min_cell = max(_MIN_CELL * size, _TOUCH)
    found = (Grid(horizontal, vertical, min_cell) for horizontal, vertical in _connected(rules))
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


def _positions(across: Iterable[Rule], along: Sequence[Rule], min_cell: float) -> list[float]:
    """Return where the rules are, and where those across them begin and end, as a table may have no line around it."""
    ends = [min((rule.start for rule in along), default=0.0), max((rule.end for rule in along), default=0.0)]
    positions: list[list[float]] = []
    for at in sorted(rule.at for rule in across):
        if positions and at - positions[-1][-1] <= min_cell:
            positions[-1].append(at)
        else:
            positions.append([at])
    middles = [(one[0] + one[-1]) / 2 for one in positions]
    if middles and middles[0] - ends[0] > max(2 * _TOUCH, min_cell):
        middles.insert(0, ends[0])
    if middles and ends[1] - middles[-1] > max(2 * _TOUCH, min_cell):
        middles.append(ends[1])
    return middles


def _snapped(rules: Iterable[Rule], positions: Sequence[float]) -> list[Rule]:
    return [rule._replace(at=min(positions, key=lambda at: abs(at - rule.at))) for rule in rules]


def _has_rule(rules: Iterable[Rule], at: float, through: float) -> bool:
    return any(abs(rule.at - at) <= _TOUCH and rule.start - 1 <= through <= rule.end + 1 for rule in rules)
