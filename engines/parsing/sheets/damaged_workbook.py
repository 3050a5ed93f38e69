"""openpyxl, which is asked before a workbook that the first reader refuses is called damaged."""

from __future__ import annotations

from typing import Any

from engines.parsing import Element, PageKind, ParsedDocument, ParseError
from engines.parsing.job import Job
from engines.parsing.sheets.tables import Sheet, sheet_elements
from engines.parsing.warnings import warning


def read(job: Job, reason: Exception) -> ParsedDocument:
    """`reason` is why the first reader refused it. Values are as they are stored. Raise ParseError."""
    from openpyxl import load_workbook

    elements: list[Element] = []
    try:
        with job.path.open("rb") as file:
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            for number, source in enumerate(book.worksheets, 1):
                if source.sheet_state == "visible":
                    elements += sheet_elements(_read_sheet(source, number, job.limits.text_mb << 20))[0]
    except (ParseError, MemoryError):
        raise
    except Exception as error:  # it raises anything on a broken file
        raise ParseError("corrupt_file", type="Excel workbook") from error
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        metadata={"page_count": len(book.worksheets)},
        page_kind=PageKind.SHEET,
        warnings=(warning("damaged", reason=str(reason)),),
    )


def _read_sheet(source: Any, number: int, limit: int) -> Sheet:
    sheet = Sheet(name=source.title, number=number, limit=limit)
    source.reset_dimensions()
    for row, values in enumerate(source.iter_rows(values_only=True)):
        sheet.add_row(row, {column: str(value) for column, value in enumerate(values) if value is not None})
    return sheet
