"""Sheets of workbooks as delimited text, a row at a time: their first row has the names of the columns."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from engines.tables import CellError, ReadOptions, TableError
from engines.tables.column_names import cell_errors, check_names, column_names

_MAX_CELLS = 16_384
_PIECE_BYTES = 1 << 20
_FORMULA = re.compile(rb"<f[ >/]")
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_VALUES = {
    "float": "value",
    "percentage": "value",
    "currency": "value",
    "date": "date-value",
    "boolean": "boolean-value",
}
OPTIONS = {
    "format": "csv",
    "encoding": "utf-8",
    "delimiter": ",",
    "quote": '"',
    "decimal_separator": ".",
    "date_format": "%Y-%m-%d",
}


def sheet_names(path: Path, kind: str) -> list[str]:
    """Those that are hidden come last. Raises TableError."""
    with _errors(kind):
        if kind == "xlsx":
            with path.open("rb") as file:  # a stored file has no suffix, which openpyxl asks for
                sheets = load_workbook(file, read_only=True).worksheets
                return [
                    str(one.title) for one in sorted(sheets, key=lambda one: one.sheet_state != "visible")
                ]
        return [
            str(node.get(f"{_TABLE}name")) for event, node in _ods_events(path) if _begins_table(event, node)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`texts` are the columns in which a cell is text, whatever it looks like, as {name: "text"}; `blank` the numbers of the
    rows that were left out."""

    sheet: str
    texts: dict[str, str]
    blank: tuple[int, ...]


def as_csv(path: Path, kind: str, options: ReadOptions, target: Path) -> Written:
    """Write the sheet, the first with cells unless one is chosen. Raises TableError."""
    with _errors(kind):
        for sheet in [options.sheet] if options.sheet else sheet_names(path, kind):
            rows = _xlsx_rows(path, sheet) if kind == "xlsx" else _ods_rows(path, sheet)
            written = _write(sheet, rows, target, has_header=options.has_header is not False)
            if written is not None:
                return written
    raise TableError("table_empty")


class _errors:
    """A damaged workbook may raise anything."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, TableError | MemoryError | OSError):
            raise TableError(
                "table_unreadable", format=self._kind.upper(), reason="it is damaged or encrypted"
            ) from error


def _write(
    sheet: str, rows: Iterable[tuple[int, list[Any]]], target: Path, *, has_header: bool
) -> Written | None:
    """`rows` are those with a value, with their numbers. None if there is none."""
    header: list[str] = []
    has_text, blank, last = set[int](), list[int](), 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for number, row in rows:
            blank += range(last + 1, number)
            last = number
            if not header:
                header = _header(row, has_header)
                if has_header:
                    writer.writerow(header)
                    continue
            values = _as_wide(row, header, number)
            has_text |= {index for index, value in enumerate(values) if isinstance(value, str)}
            writer.writerow([_plain(value) for value in values])
    texts = {header[index]: "text" for index in has_text}
    return Written(sheet=sheet, texts=texts, blank=tuple(blank)) if header else None


def _header(row: list[Any], has_header: bool) -> list[str]:
    width = _width(row)
    check_names("sheet", [""] * width)
    return column_names(row[:width] if has_header else [""] * width)


def _width(row: list[Any]) -> int:
    return max((index for index, value in enumerate(row, 1) if value is not None), default=0)


def _as_wide(row: list[Any], header: list[str], number: int) -> list[Any]:
    """Raises TableError if the row has more cells than the first: they belong to no column."""
    if (width := _width(row)) > len(header):
        reason = f"it has {width} cells, and the first row has {len(header)}"
        raise cell_errors([CellError(row=number, column="", value=str(row[width - 1])[:100], reason=reason)])
    return [*row[: len(header)], *[None] * (len(header) - len(row))]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(" ")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, date | time) else value


def _xlsx_rows(path: Path, sheet: str) -> Iterator[tuple[int, list[Any]]]:
    with path.open("rb") as file, path.open("rb") as again:
        rows: Iterator[Sequence[Any]] = _xlsx_sheet(file, sheet).iter_rows(values_only=True)
        if _has_formulas(path):
            rows = _results(_xlsx_sheet(file, sheet), _xlsx_sheet(again, sheet, data_only=False))
        for number, row in enumerate(rows, 1):
            found = [value if value != "" else None for value in row]
            if any(value is not None for value in found):
                yield number, found


def _results(values: Any, formulas: Any) -> Iterator[Sequence[Any]]:
    """Raises TableError for a formula without a result: only the program that calculates it knows its value. (An empty text
    is one.)"""
    pairs = zip(values.iter_rows(), formulas.iter_rows(values_only=True), strict=True)
    for number, (cells, written) in enumerate(pairs, 1):
        for column, (cell, formula) in enumerate(zip(cells, written, strict=True), 1):
            if cell.value is None and cell.data_type == "n" and formula is not None:
                place = get_column_letter(column)
                reason = f"the formula in column {place} has no result in the file. Calculate it, and save it again"
                error = CellError(row=number, column="", value=str(formula)[:100], reason=reason)
                raise cell_errors([error])
        yield [cell.value for cell in cells]


def _has_formulas(path: Path) -> bool:
    """Sheets without one need not be read twice."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                with archive.open(name) as content:
                    end = b""
                    while piece := content.read(_PIECE_BYTES):
                        if _FORMULA.search(end + piece):
                            return True
                        end = piece[-3:]
    return False


def _xlsx_sheet(file: BinaryIO, sheet: str, *, data_only: bool = True) -> Any:
    book = load_workbook(file, read_only=True, data_only=data_only)
    found = next((one for one in book.worksheets if one.title == sheet), None)
    if found is None:
        raise TableError("table_unreadable", format="XLSX", reason=f"it has no sheet '{sheet}'")
    found.reset_dimensions()  # some programs write wrong ones
    return found


def _ods_events(path: Path) -> Iterator[tuple[str, Any]]:
    """The rows are emptied after they were used, so that a long sheet takes little memory."""
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as content:
        tags = (f"{_TABLE}table", f"{_TABLE}table-row")
        options = {"resolve_entities": False, "no_network": True, "huge_tree": True}
        for event, node in etree.iterparse(content, events=("start", "end"), tag=tags, **options):
            yield event, node
            if event == "end":
                node.clear()
                while node.getprevious() is not None:
                    del node.getparent()[0]


def _begins_table(event: str, node: Any) -> bool:
    return event == "start" and node.tag == f"{_TABLE}table"


def _ods_rows(path: Path, sheet: str) -> Iterator[tuple[int, list[Any]]]:
    is_inside, number = False, 0
    for event, node in _ods_events(path):
        if node.tag == f"{_TABLE}table":
            is_inside = event == "start" and node.get(f"{_TABLE}name") == sheet
        elif event == "end" and is_inside:
            repeated = int(node.get(f"{_TABLE}number-rows-repeated", "1"))
            row = _ods_row(node)
            if any(value is not None for value in row):
                yield from ((number + one, row) for one in range(1, repeated + 1))
            number += repeated


def _ods_row(node: Any) -> list[Any]:
    row: list[Any] = []
    for cell in node.iter(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
        repeated = min(int(cell.get(f"{_TABLE}number-columns-repeated", "1")), _MAX_CELLS)
        row += [_ods_value(cell)] * repeated
    return row[:_MAX_CELLS]


def _ods_value(cell: Any) -> Any:
    kind = cell.get(f"{_OFFICE}value-type", "")
    if (name := _VALUES.get(kind)) and (value := cell.get(f"{_OFFICE}{name}")):
        return _ods_typed(kind, value)
    text = "\n".join("".join(part.itertext()) for part in cell.iter(f"{_TEXT}p"))
    return text or None


def _ods_typed(kind: str, value: str) -> Any:
    if kind == "date":
        return datetime.fromisoformat(value)
    return value == "true" if kind == "boolean" else float(value)
