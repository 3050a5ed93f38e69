"""CSV, TSV, and old and new Excel workbooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import groupby
from typing import Any

from engines.parsing import Element, ParsedDocument, ParseError, element_builders, package, text
from engines.parsing.job import Job
from engines.parsing.readers.tables import TSV

_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 65_536


def read_csv(job: Job) -> ParsedDocument:
    content = text.load(job)
    csv.field_size_limit(max(len(content), 131_072))
    delimiter = "\t"
    if job.mime_type != TSV:
        # The one that splits the first lines into the same number of cells, the more the better.
        lines = [line for line in content[:_SAMPLE_CHARACTERS].split("\n")[:20] if line.strip()]
        counts = {mark: [line.count(mark) for line in lines] for mark in _DELIMITERS}
        delimiter = max(_DELIMITERS, key=lambda mark: (min(counts[mark], default=0), sum(counts[mark])))
    rows = csv.reader(io.StringIO(content), delimiter=delimiter)
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(_tables(rows, None)))


def read_xlsx(job: Job) -> ParsedDocument:
    from openpyxl import load_workbook

    package.check(job)
    elements: list[Element] = []
    with job.path.open("rb") as file:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        for number, sheet in enumerate(book.worksheets, 1):
            sheet.reset_dimensions()
            elements += _sheet_elements(sheet.title, number, sheet.iter_rows(values_only=True))
    metadata = package.read_properties(job) | {"page_count": len(book.worksheets)}
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements), metadata=metadata)


def read_xls(job: Job) -> ParsedDocument:
    import xlrd

    try:
        book = xlrd.open_workbook(str(job.path), logfile=io.StringIO())
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise ParseError("password_protected") from error
        raise ParseError("corrupt_file", type="Excel workbook") from error
    elements: list[Element] = []
    for number, sheet in enumerate(book.sheets(), 1):
        rows = ([_xls_value(cell, book.datemode) for cell in sheet.row(at)] for at in range(sheet.nrows))
        elements += _sheet_elements(sheet.name, number, rows)
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(elements), metadata={"page_count": book.nsheets}
    )


def _xls_value(cell: Any, datemode: int) -> Any:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlrd.xldate_as_datetime(cell.value, datemode)
        except (ValueError, OverflowError):
            return cell.value
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    return "" if cell.ctype == xlrd.XL_CELL_ERROR else cell.value


def _sheet_elements(name: str, number: int, rows: Iterable[Iterable[Any]]) -> list[Element]:
    tables = list(_tables(([_cell_text(cell) for cell in row] for row in rows), number))
    return [element_builders.title(name, 1, number), *tables] if tables else []


def _tables(rows: Iterable[list[str]], page: int | None) -> Iterator[Element]:
    """Blank rows separate tables."""
    for is_filled, group in groupby(rows, key=lambda row: any(cell.strip() for cell in row)):
        if is_filled:
            yield element_builders.table(group, page)


def _cell_text(value: Any) -> str:
    """Return a cell as a reader would see it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)
