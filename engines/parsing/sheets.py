"""Tables of data: CSV, TSV, and Excel's old and new workbooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import groupby
from typing import Any

from engines.parsing import Element, ParsedDocument, ParseError, element_builders, formats, package, text
from engines.parsing.job import Job

_DELIMITERS = ",;\t|"
_SAMPLE = 65_536


def read_csv(job: Job) -> ParsedDocument:
    content = text.load(job)
    csv.field_size_limit(max(len(content), 131_072))
    delimiter = "\t" if job.mime_type == formats.TSV else _delimiter(content[:_SAMPLE])
    rows = csv.reader(io.StringIO(content), delimiter=delimiter)
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(_tables(rows, None)))


def read_xlsx(job: Job) -> ParsedDocument:
    from openpyxl import load_workbook

    package.check(job)
    found: list[Element] = []
    with job.path.open("rb") as file:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        for number, sheet in enumerate(book.worksheets, 1):
            sheet.reset_dimensions()
            found += _sheet(sheet.title, number, sheet.iter_rows(values_only=True))
    metadata = package.properties(job) | {"page_count": len(book.worksheets)}
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(found), metadata=metadata)


def read_xls(job: Job) -> ParsedDocument:
    import xlrd

    try:
        book = xlrd.open_workbook(str(job.path), logfile=io.StringIO())
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise ParseError("password_protected") from error
        raise ParseError("corrupt_file", type="Excel workbook") from error
    found: list[Element] = []
    for number, sheet in enumerate(book.sheets(), 1):
        rows = ([_xls_value(cell, book.datemode) for cell in sheet.row(at)] for at in range(sheet.nrows))
        found += _sheet(sheet.name, number, rows)
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(found), metadata={"page_count": book.nsheets}
    )


def _sheet(name: str, number: int, rows: Iterable[Iterable[Any]]) -> list[Element]:
    tables = list(_tables(([_shown(cell) for cell in row] for row in rows), number))
    return [element_builders.title(name, 1, number), *tables] if tables else []


def _tables(rows: Iterable[list[str]], page: int | None) -> Iterator[Element]:
    """A blank row ends a table."""
    for is_filled, group in groupby(rows, key=lambda row: any(cell.strip() for cell in row)):
        if is_filled:
            yield element_builders.table(group, page)


def _delimiter(sample: str) -> str:
    """The one that splits the first lines into the same number of cells, the more the better."""
    lines = [line for line in sample.split("\n")[:20] if line.strip()]
    counts = {mark: [line.count(mark) for line in lines] for mark in _DELIMITERS}
    return max(_DELIMITERS, key=lambda mark: (min(counts[mark], default=0), sum(counts[mark])))


def _shown(value: Any) -> str:
    """A cell as its reader would see it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat(" ") if isinstance(value, datetime) else _plain(value)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


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
