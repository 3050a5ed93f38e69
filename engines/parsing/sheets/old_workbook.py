"""Excel workbooks of the format before 2007, through xlrd, which knows how numbers are shown and what is hidden; those that
it cannot read, through office-oxide."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from engines.parsing import (
    Element,
    ElementKind,
    PageKind,
    ParsedDocument,
    ParseError,
    element_builders,
    warnings,
)
from engines.parsing.job import Job
from engines.parsing.office import embedded_files, ole_objects
from engines.parsing.office import tree as office_tree
from engines.parsing.sheets import number_formats, old_workbook_drawings
from engines.parsing.sheets.old_workbook_drawings import Drawn
from engines.parsing.sheets.tables import Area, Sheet, sheet_elements

# Shown as the reader's country writes dates.
_DATES_OF_A_COUNTRY = (14, 22)
_LAST_ROW = 1 << 20


def read(job: Job) -> ParsedDocument:
    import xlrd

    try:
        stream = old_workbook_drawings.workbook_stream(job.path)
        book = xlrd.open_workbook(
            file_contents=stream,
            logfile=io.StringIO(),
            formatting_info=True,
            on_demand=True,
            ragged_rows=True,
        )
        return _read_book(job, book, stream)
    except ParseError:
        raise
    except Exception as error:  # it has no base class of its own for all that goes wrong
        if "encrypted" in str(error).lower():
            raise ParseError("password_protected") from error
        return _read_otherwise(job, error)


def _read_book(job: Job, book: Any, stream: bytes) -> ParsedDocument:
    elements: list[Element] = []
    hidden, limit, worksheets = 0, job.limits.text_mb << 20, iter(range(book.nsheets))
    drawn = _drawn_sheets(book, stream)
    for number, one in enumerate(drawn, 1):
        at = next(worksheets, None) if one.is_worksheet else None
        if one.is_hidden:
            hidden += 1
            continue
        sheet = Sheet(name=one.name, number=number, limit=limit)
        if at is not None:
            _read_cells(book, book.sheet_by_index(at), sheet)
            book.unload_sheet(at)
        sheet.remarks += ((_LAST_ROW, element) for element in _drawn_elements(one, number))
        limit -= sheet.size
        found, hidden_in_sheet = sheet_elements(sheet)
        elements += found
        hidden += hidden_in_sheet
    files, refused = ole_objects.embedded_files(job.path.read_bytes())
    if any(one.is_hidden for one in drawn):  # nothing says on which sheet they are
        files, refused = [], [*(file.name for file in files), *refused]
    members, losses = embedded_files.stored(job, files, refused)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        members=members,
        warnings=losses,
        metadata={"page_count": len(drawn), "hidden_parts": hidden or None, "author": book.user_name},
        page_kind=PageKind.SHEET,
    )


def _drawn_sheets(book: Any, stream: bytes) -> list[Drawn]:
    """Return all sheets that people see in the file: neither macros nor what belongs to them."""
    try:
        found = [one for one in old_workbook_drawings.sheets(stream) if one.is_worksheet or one.is_chart]
    except (IndexError, struct.error):
        found = []
    if sum(one.is_worksheet for one in found) == book.nsheets:
        return found
    worksheets = (book.sheet_by_index(at) for at in range(book.nsheets))
    return [Drawn(sheet.name, True, False, bool(sheet.visibility), [], []) for sheet in worksheets]


def _drawn_elements(drawn: Drawn, page: int) -> Iterator[Element]:
    for text in drawn.texts:
        yield element_builders.paragraph(text, page)
    if drawn.titles:
        yield Element(ElementKind.CAPTION, " — ".join(dict.fromkeys(drawn.titles)), page)


def _read_cells(book: Any, source: Any, sheet: Sheet) -> None:
    sheet.merged = [
        Area(top, left, bottom - 1, right - 1) for top, bottom, left, right in source.merged_cells
    ]
    sheet.hidden_rows = {row for row, facts in source.rowinfo_map.items() if facts.hidden}
    sheet.hidden_columns = {column for column, facts in source.colinfo_map.items() if facts.hidden}
    for row in range(source.nrows):
        texts = ((column, _text(book, cell)) for column, cell in enumerate(source.row(row)))
        sheet.add_row(row, {column: text for column, text in texts if text})
    for (row, column), note in sorted(source.cell_note_map.items()):
        sheet.add_comment(row, column, note.text.strip().removeprefix(f"{note.author}:"), note.author)


def _text(book: Any, cell: Any) -> str:
    import xlrd

    match cell.ctype:
        case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
            key = book.xf_list[cell.xf_index].format_key
            code = book.format_map[key].format_str if key in book.format_map else number_formats.GENERAL
            if key in _DATES_OF_A_COUNTRY:
                code = number_formats.BUILT_IN[key]
            return number_formats.shown(cell.value, code, book.datemode == 1)
        case xlrd.XL_CELL_BOOLEAN:
            return "TRUE" if cell.value else "FALSE"
        case xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(cell.value, ""))
    return str(cell.value).strip()


def _read_otherwise(job: Job, error: Exception) -> ParsedDocument:
    """Numbers are as they are stored, as office-oxide gives no formats of this kind of file."""
    import office_oxide

    try:
        tree = office_tree.load(job.path.read_bytes(), "xls")
    except office_oxide.OfficeOxideError as second:
        code = "password_protected" if "encrypted" in str(second) else "corrupt_file"
        raise ParseError(code, type="Excel workbook") from second
    sections = tree["sections"]
    elements: list[Element] = []
    for number, section in enumerate(sections, 1):
        nodes = () if section.get("hidden") else section["elements"]
        tables = [office_tree.table(node, number) for node in nodes if node["type"] == "table"]
        if tables:
            elements += [element_builders.title(section.get("title") or "", 1, number), *tables]
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        metadata={"page_count": len(sections)},
        page_kind=PageKind.SHEET,
        warnings=(warnings.warning("damaged", reason=str(error) or type(error).__name__),),
    )
