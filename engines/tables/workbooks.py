"""Sheets of workbooks as delimited text, a row at a time: their first row has the names of the columns."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from lxml import etree
from openpyxl import load_workbook

from engines.tables import ReadOptions, TableError

MAX_COLUMNS = 1_000
_MAX_REPEATED = 1_000
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
    """Raises TableError."""
    with _errors(kind):
        if kind == "xlsx":
            with path.open("rb") as file:  # a stored file has no suffix, which openpyxl asks for
                return [str(name) for name in load_workbook(file, read_only=True).sheetnames]
        return [
            str(node.get(f"{_TABLE}name")) for event, node in _ods_events(path) if _begins_table(event, node)
        ]


def as_csv(path: Path, kind: str, options: ReadOptions, target: Path) -> tuple[str, dict[str, str]]:
    """Write the sheet, the first with cells unless one is chosen. Returns its name, and the columns in which a cell is text,
    whatever it looks like, as {name: "text"}. Raises TableError."""
    with _errors(kind):
        for sheet in [options.sheet] if options.sheet else sheet_names(path, kind):
            rows = _xlsx_rows(path, sheet) if kind == "xlsx" else _ods_rows(path, sheet)
            texts = _write(rows, target, has_header=options.has_header is not False)
            if texts is not None:
                return sheet, texts
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


def _write(rows: Iterable[list[Any]], target: Path, *, has_header: bool) -> dict[str, str] | None:
    """None if no row has a value."""
    header: list[str] = []
    has_text = set[int]()
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in rows:
            if not header:
                if all(value is None for value in row):
                    continue
                header = _header(row, has_header)
                writer.writerow(header)
                if has_header:
                    continue
            values = [*row[: len(header)], *[None] * (len(header) - len(row))]
            has_text |= {index for index, value in enumerate(values) if isinstance(value, str)}
            if any(value is not None for value in values):
                writer.writerow([_plain(value) for value in values])
    return {header[index]: "text" for index in has_text} if header else None


def _header(row: list[Any], has_header: bool) -> list[str]:
    width = max(index for index, value in enumerate(row) if value is not None) + 1
    if width > MAX_COLUMNS:
        raise TableError(
            "table_unreadable", format="sheet", reason=f"it has more than {MAX_COLUMNS:,} columns"
        )
    seen = Counter[str]()
    names = []
    for number, value in enumerate(row[:width], 1):
        name = str(value).strip() if has_header and value is not None else ""
        name = name or f"column{number}"
        seen[name.lower()] += 1
        names.append(name if seen[name.lower()] == 1 else f"{name}_{seen[name.lower()] - 1}")
    return names


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(" ", "seconds")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, date | time) else value


def _xlsx_rows(path: Path, sheet: str) -> Iterator[list[Any]]:
    with path.open("rb") as file:
        book = load_workbook(file, read_only=True, data_only=True)
        if sheet not in book.sheetnames:
            raise TableError("table_unreadable", format="XLSX", reason=f"it has no sheet '{sheet}'")
        for row in book[sheet].iter_rows(values_only=True):
            yield [value if value != "" else None for value in row]


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


def _ods_rows(path: Path, sheet: str) -> Iterator[list[Any]]:
    is_inside = False
    for event, node in _ods_events(path):
        if node.tag == f"{_TABLE}table":
            is_inside = event == "start" and node.get(f"{_TABLE}name") == sheet
        elif event == "end" and is_inside:
            repeated = min(int(node.get(f"{_TABLE}number-rows-repeated", "1")), _MAX_REPEATED)
            row = _ods_row(node)
            yield from [row] * repeated if any(value is not None for value in row) else []


def _ods_row(node: Any) -> list[Any]:
    row: list[Any] = []
    for cell in node.iter(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
        repeated = min(int(cell.get(f"{_TABLE}number-columns-repeated", "1")), MAX_COLUMNS)
        row += [_ods_value(cell)] * repeated
    return row[:MAX_COLUMNS]


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
