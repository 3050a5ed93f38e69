"""Finds the tables of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from engines.parsing.pages import aligned_cells
from engines.parsing.pages.aligned_columns import Row, are_prose
from engines.parsing.pages.blocks import Line, Table
from engines.parsing.pages.columns import beside_prose, find_gutter
from engines.parsing.pages.grids import Grid, grids
from engines.parsing.pages.line_joining import RIGHT_TO_LEFT
from engines.parsing.pages.rules import Rule, Rules

_MAX_CELL_LETTERS = 700
_MIN_FILLED_SHARE = 0.3
_MIN_SINGLE_SHARE = 0.7
_MAX_SHORT_CELL_LETTERS = 30
_MAX_LABELS = 12
_MIN_LABEL_SHARE = 0.7


def with_tables(pieces: Sequence[Line], rules: Rules) -> list[Line | Table]:
    """Return the pieces with each table at the place of its first piece."""
    places = dict[int, Table]()
    rest = list(pieces)
    for lines, table in _tables(rest, rules):
        ids = {id(line) for line in lines}
        places |= dict.fromkeys(ids, table)
        rest = [line for line in rest if id(line) not in ids]
    blocks: list[Line | Table] = []
    for piece in pieces:
        block = places.get(id(piece), piece)
        if not any(block is other for other in blocks[-1:]) and not (
            isinstance(block, Table) and block in blocks
        ):
            blocks.append(block)
    return blocks


def _tables(pieces: Sequence[Line], rules: Rules) -> Iterator[tuple[list[Line], Table]]:
    rest = list(pieces)
    size = median([piece.size for piece in pieces]) if pieces else 0.0
    for grid in grids(rules, size):
        lines = [line for line in rest if grid.holds(line)]
        if table := _ruled_table(grid, lines):
            yield lines, table
            rest = [line for line in rest if line not in lines]
    place = {id(line): at for at, line in enumerate(pieces)}
    taken = set[int]()
    for run in _runs(rest):
        ids = {id(line) for row in run for line in row}
        table = None if ids & taken else _aligned_table(run, rules.horizontal)
        if table and (_is_drawn_in_rows(run, place) or _may_be_drawn_in_columns(table)):
            taken |= ids
            yield [line for row in run for line in row], table


def _is_drawn_in_rows(run: Sequence[Row], place: Mapping[int, int]) -> bool:
    pairs = [pair for row in run for pair in pairwise(row)]
    return sum(place[id(other)] - place[id(one)] == 1 for one, other in pairs) * 2 > len(pairs)


def _may_be_drawn_in_columns(table: Table) -> bool:
    """Return whether a few labels stand beside their values, or columns have names, and not parts of a list."""
    has_names = bool(table.header_rows) and len(table.rows[0]) > 2
    return has_names or (table.has_labels and len(table.rows) <= _MAX_LABELS)


def _runs(pieces: list[Line]) -> Iterator[list[Row]]:
    """Yield the sequences of rows that may be tables: over the whole width where all is short, and then in each column."""
    gutter = find_gutter(pieces)
    if gutter is None:
        beside = aligned_cells.rows_of(beside_prose(pieces))
        yield from aligned_cells.runs(beside, _MAX_SHORT_CELL_LETTERS)
        yield from aligned_cells.runs(aligned_cells.rows_of(pieces))
        return
    short = aligned_cells.runs(aligned_cells.rows_of(pieces), _MAX_SHORT_CELL_LETTERS)
    wide = [run for run in short if _is_on_both_sides(run, gutter)]
    yield from wide
    taken = {id(line) for run in wide for row in run for line in row}
    rest = [line for line in pieces if id(line) not in taken]
    for side in (
        [line for line in rest if line.right <= gutter],
        [line for line in rest if line.left >= gutter],
    ):
        yield from aligned_cells.runs(aligned_cells.rows_of(side))


def _is_on_both_sides(run: Sequence[Row], gutter: float) -> bool:
    """Return whether most rows have several cells on each side, or one across."""
    across = sum(
        any(line.left < gutter < line.right for line in row)
        or 1 < sum(line.right <= gutter for line in row) < len(row) - 1
        for row in run
    )
    return across * 2 > len(run)


def _ruled_table(grid: Grid, lines: Sequence[Line]) -> Table | None:
    rows = [row for row in grid.cells(lines) if any(row)] if lines else []
    texts = [text for row in rows for text in row]
    is_table = (
        sum(len(set(filter(None, row))) > 1 for row in rows) > 1
        and sum(map(bool, texts)) >= _MIN_FILLED_SHARE * len(texts)
        and max(map(len, texts)) <= _MAX_CELL_LETTERS
    )
    if not is_table or not _has_columns(rows) or _is_one_line_each(rows, lines):
        return None
    return _table(_without_empty_columns(rows), lines)


def _is_one_line_each(rows: Sequence[Sequence[str]], lines: Sequence[Line]) -> bool:
    """Return whether most areas hold a line of prose in columns, as where each line has a background of its own."""
    filled = sum(map(bool, (text for row in rows for text in row)))
    columns = [list(filter(None, column)) for column in zip(*rows, strict=True)]
    return filled >= _MIN_SINGLE_SHARE * len(lines) and are_prose(columns)


def _without_empty_columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    kept = [at for at in range(len(rows[0])) if any(row[at] for row in rows)]
    return [[row[at] for at in kept] for row in rows]


def _aligned_table(run: list[Row], rules: Sequence[Rule]) -> Table | None:
    rows = aligned_cells.cells(run, rules)
    return _table(rows, [line for row in run for line in row]) if rows and _has_columns(rows) else None


def _has_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether two columns at least are of letters or digits; bullets and marks are none."""
    filled = [sum(any(map(str.isalnum, text)) for text in column) for column in zip(*rows, strict=True)]
    return sum(count > 1 for count in filled) > 1


def _table(rows: Sequence[Sequence[str]], lines: Sequence[Line]) -> Table:
    if sum(bool(RIGHT_TO_LEFT.search(line.text)) for line in lines) * 2 > len(lines):
        rows = [row[::-1] for row in rows]
    top = min(lines, key=lambda line: line.top)
    bold = [line.bold for line in lines]
    header_rows = _header_rows(rows, is_bold=top.bold and not all(bold))
    has_labels = len(rows[0]) == 2 and not header_rows and _are_labels([row[0] for row in rows])
    return Table(
        rows=tuple(map(tuple, rows)),
        page=top.page,
        left=min(line.left for line in lines),
        right=max(line.right for line in lines),
        top=top.top,
        bottom=max(line.bottom for line in lines),
        size=top.size,
        header_rows=header_rows,
        has_labels=has_labels,
        confidence=min(line.confidence for line in lines),
    )


def _are_labels(texts: Sequence[str]) -> bool:
    """Return whether most are words without numbers."""
    words = sum(bool(text) and not any(map(str.isdigit, text)) for text in texts)
    return words >= _MIN_LABEL_SHARE * len(texts)


def _header_rows(rows: Sequence[Sequence[str]], *, is_bold: bool) -> int:
    """Return how many rows name the columns: the first if it is bold, or has words above numbers; two if the first spans
    columns."""
    if len(rows) < 2:
        return 0
    first, others = rows[0], rows[1:]
    has_digits = any(map(str.isdigit, "".join(first)))
    values = [text for row in others for text in row[1:] if text]
    numbers = sum(any(map(str.isdigit, text)) for text in values)
    is_header = is_bold or (not has_digits and len(first) > 2 and all(first[1:]))
    is_header = is_header or (
        not has_digits and numbers * 2 > len(values) and len(list(filter(None, first))) > 1 and len(first) > 2
    )
    spans = any(one and one == other for one, other in pairwise(first))
    return (2 if spans and len(rows) > 2 else 1) if is_header else 0
