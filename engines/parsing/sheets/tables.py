"""Builds tables from the rows of sheets and of text files: blank rows separate them, and columns stay aligned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress, groupby, pairwise, zip_longest
from typing import NamedTuple

from engines.parsing import Element, ParseError, element_builders

_MAX_HEADER_ROWS = 4
_MAX_NAME_LENGTH = 120  # what is longer is no name of a column, and not repeated in the cells that it covers
# Names of columns that are longer in total are not repeated in each passage, so each value gets its name, unless the text
# would become much longer.
_MAX_NAMES_LENGTH, _MAX_REPEATED_LENGTH = 500, 4_000_000
_LETTER = re.compile(r"[^\W\d_]")
_YEAR = re.compile(r"(?:19|20)\d\d")

_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d+)(?::\$?([A-Z]{1,3})\$?(\d+))?", re.I)

Rows = Sequence[Sequence[str]]


class Area(NamedTuple):
    """Rows and columns from the first to the last one, counted from 0."""

    top: int
    left: int
    bottom: int
    right: int


class _Repeated(str):
    """A merged cell's text, in a place that the cell covers."""

    __slots__ = ()


@dataclass(slots=True, kw_only=True)
class Sheet:
    """What stands in the cells of a sheet, as it is shown: {row: {column: text}}, counted from 0. `remarks` are what belongs
    to a row: comments, and what is drawn there. `limit` is the number of characters that may be text."""

    name: str
    number: int
    limit: int
    cells: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: list[Area] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    remarks: list[tuple[int, Element]] = field(default_factory=list)
    size: int = 0

    def add_row(self, number: int, row: dict[int, str]) -> None:
        """Add cells to a row. Raise ParseError if the sheet has more text than is allowed."""
        if row:
            self.cells.setdefault(number, {}).update(row)
            self.size += sum(map(len, row.values())) + 3 * len(row)
            if self.size > self.limit:
                raise ParseError("output_too_large", limit=self.limit >> 20)

    def add_comment(self, row: int, column: int, text: str, author: str) -> None:
        if text.strip() and column not in self.hidden_columns:
            place = f"{_letters(column)}{row + 1}"
            element = element_builders.comment(text.strip(), author, self.number, place=place)
            self.remarks.append((row, element))


@lru_cache(20_000)
def column_number(letters: str) -> int:
    number = 0
    for letter in letters.replace("$", "").upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def areas(references: str | None) -> Iterator[Area]:
    for left, top, right, bottom in _REFERENCE.findall(references or ""):
        yield Area(int(top) - 1, column_number(left), int(bottom or top) - 1, column_number(right or left))


def _letters(column: int) -> str:
    return (_letters(column // 26 - 1) if column > 25 else "") + chr(ord("A") + column % 26)


def sheet_elements(sheet: Sheet) -> tuple[list[Element], int]:
    """Return the sheet's elements, and the number of its rows and columns that are hidden, although something is in them."""
    _fill_merged(sheet)
    hidden = _remove_hidden(sheet)
    remarks = sorted(sheet.remarks, key=lambda remark: remark[0])
    elements: list[Element] = []
    for rows, last in _blocks(sheet):
        elements += table_elements(rows, sheet.number)
        elements += [element for row, element in remarks if row <= last]
        remarks = [remark for remark in remarks if remark[0] > last]
    elements += [element for _, element in remarks]
    return ([element_builders.title(sheet.name, 1, sheet.number), *elements] if elements else []), hidden


def _fill_merged(sheet: Sheet) -> None:
    """Repeat a merged cell's text in what it covers; once if nothing else stands in its row, as with a table's title."""
    last_column = max((max(row) for row in sheet.cells.values()), default=0)
    for area in sheet.merged:
        text = sheet.cells.get(area.top, {}).get(area.left, "")
        if not text or len(text) > _MAX_NAME_LENGTH:
            continue
        columns = range(area.left, min(area.right, last_column) + 1)
        for number in _rows_in(sheet, area):
            row = sheet.cells[number]
            if number > area.top or any(column not in columns for column in row):
                sheet.add_row(number, {at: _Repeated(text) for at in columns if not row.get(at)})


def _rows_in(sheet: Sheet, area: Area) -> list[int]:
    """The rows of the area in which something is. An area may have a million of others."""
    if area.bottom - area.top < len(sheet.cells):
        return [number for number in range(area.top, area.bottom + 1) if number in sheet.cells]
    return [number for number in sheet.cells if area.top <= number <= area.bottom]


def _remove_hidden(sheet: Sheet) -> int:
    rows = sheet.hidden_rows & sheet.cells.keys()
    columns: set[int] = set()
    for number in rows:
        del sheet.cells[number]
    if sheet.hidden_columns:
        for row in sheet.cells.values():
            hidden = row.keys() & sheet.hidden_columns
            columns |= hidden
            for column in hidden:
                del row[column]
    sheet.remarks = [remark for remark in sheet.remarks if remark[0] not in sheet.hidden_rows]
    return len(rows) + len(columns)


def _blocks(sheet: Sheet) -> Iterator[tuple[list[list[str]], int]]:
    """Yield the rows between blank ones, and the number of the last one. Hidden rows are no blank ones."""
    block: list[int] = []
    for number in sorted(number for number, row in sheet.cells.items() if row):
        if block and any(between not in sheet.hidden_rows for between in range(block[-1] + 1, number)):
            yield _aligned(sheet, block), block[-1]
            block = []
        block.append(number)
    if block:
        yield _aligned(sheet, block), block[-1]


def _aligned(sheet: Sheet, numbers: list[int]) -> list[list[str]]:
    """Return the rows without the columns in which nothing begins. One empty column stays where there are some, as it
    separates tables that are side by side."""
    rows = [sheet.cells[number] for number in numbers]
    used = {at for row in rows for at, text in row.items() if not isinstance(text, _Repeated)}
    covered = {at for row in rows for at in row} | sheet.hidden_columns
    places: dict[int, int] = {}
    last, width = min(used) - 1, 0
    for column in sorted(used):
        width += any(between not in covered for between in range(last + 1, column))
        places[column] = width
        last, width = column, width + 1
    aligned = [[""] * width for _ in rows]
    for row, cells in zip(rows, aligned, strict=True):
        for column, text in row.items():
            if column in places:
                cells[places[column]] = text
    return aligned


def blocks_of_rows(rows: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    """Yield the rows between blank ones."""
    for is_filled, group in groupby(rows, key=lambda row: any(map(str.strip, row))):
        if is_filled:
            yield list(group)


def without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    width = max(map(len, rows))
    used = [any(at < len(row) and row[at].strip() for row in rows) for at in range(width)]
    return rows if all(used) else [list(compress(row, used)) for row in rows]


def table_elements(rows: Rows, page: int | None = None) -> Iterator[Element]:
    """Yield a table, after what stands alone in the rows above it, such as its title."""
    first = 0
    while first < len(rows) - 1 and _is_alone(rows[first]):
        first += 1
    if first and sum(map(bool, map(str.strip, rows[first]))) < 2:  # rows of one cell each are no titles
        first = 0
    elif len(rows) == 1 and _is_alone(rows[0]):
        first = 1
    yield from (element_builders.paragraph(row[0], page) for row in rows[:first])
    yield from _table(rows[first:], page) if rows[first:] else ()


def _table(rows: Rows, page: int | None) -> Iterator[Element]:
    header_rows = count_header_rows(rows)
    length = sum(len(name) for row in rows[:header_rows] for name in row)
    if length > _MAX_NAMES_LENGTH and length * len(rows) < _MAX_REPEATED_LENGTH:
        yield from _records(rows[:header_rows], rows[header_rows:], page)
    else:
        yield element_builders.table(rows, page, header_rows)


def _records(header: Rows, rows: Rows, page: int | None) -> Iterator[Element]:
    """Yield each row as lines of a column's name and its value."""
    names = [
        " ".join(dict.fromkeys(filter(None, map(str.strip, names)))) for names in zip(*header, strict=False)
    ]
    for row in rows:
        cells = zip_longest(names, row, fillvalue="")
        yield element_builders.table(([f"{name}: {text}"] for name, text in cells if text.strip()), page)


def _is_alone(row: Sequence[str]) -> bool:
    return bool(row) and bool(row[0].strip()) and not any(map(str.strip, row[1:]))


def count_header_rows(rows: Rows) -> int:
    """Return how many first rows name the columns: rows of words, up to the first one in which each column has its own."""
    width = max(map(len, rows), default=0)
    if len(rows) < 2 or rows[0][0].rstrip().endswith(":"):
        return 0
    for number, row in enumerate(rows[: min(_MAX_HEADER_ROWS, len(rows) - 1)], 1):
        if not _has_names(row, rows[number]):
            return number - 1
        if _names_each_column(row, width):
            return number if width > 1 or not _has_names(rows[number], ()) else 0
    return 0


def _has_names(row: Sequence[str], below: Sequence[str]) -> bool:
    """Return whether the row has words only, or years that stand over something else."""
    for at, text in enumerate(row):
        is_year = _YEAR.fullmatch(text.strip()) and at < len(below) and not _YEAR.fullmatch(below[at].strip())
        is_word = _LETTER.search(text) or not any(map(str.isdigit, text))
        if len(text) > _MAX_NAME_LENGTH or not (is_word or is_year):
            return False
    return True


def _names_each_column(row: Sequence[str], width: int) -> bool:
    """The corner above the names of rows may be empty. Names of groups of columns stand over several of them."""
    named = [text.strip() for text in row]
    is_grouped = any(first and first == second for first, second in pairwise(named))
    return len(row) == width and all(named[1:]) and not is_grouped
