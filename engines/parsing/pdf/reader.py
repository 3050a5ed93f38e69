"""Reads a PDF: its pages, attachments and properties."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from engines.parsing import ParsedDocument, ParseError
from engines.parsing.job import Job
from engines.parsing.pdf.pages import Pages
from engines.parsing.pictures.layout import elements

_MAX_PAGES = 10_000
_METADATA_NAMES = {
    "Title": "title",
    "Author": "author",
    "Subject": "subject",
    "Keywords": "keywords",
    "CreationDate": "created",
    "ModDate": "modified",
}
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?")


def read(job: Job) -> ParsedDocument:
    document = open_document(job.path)
    try:
        document.init_forms()
    except pdfium.PdfiumError as error:
        raise ParseError("corrupt_file", type="PDF") from error
    if len(document) > _MAX_PAGES:
        raise ParseError("too_many_pages", pages=len(document), limit=_MAX_PAGES)
    try:
        pages = Pages(document, job)
        pages.read_text_layers()
        pages.recognise()
        properties = document.get_metadata_dict().items()
        metadata: dict[str, Any] = {
            _METADATA_NAMES[key]: _iso_date(value) for key, value in properties if key in _METADATA_NAMES
        }
        metadata |= {"page_count": len(document), "hidden_parts": pages.hidden}
    finally:
        document.close()
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements(pages.blocks())),
        members=pages.attachments.members,
        metadata=metadata,
        warnings=tuple(pages.warnings()),
    )


def open_document(path: Path) -> pdfium.PdfDocument:
    """By this very path: the class would look for another name of the file, which may have none."""
    raw = pdfium_c.FPDF_LoadDocument(f"{path}\0".encode(), None)
    if pdfium_c.FPDF_GetPageCount(raw) > 0:
        return pdfium.PdfDocument(raw)
    if pdfium_c.FPDF_GetLastError() == pdfium_c.FPDF_ERR_PASSWORD:
        raise ParseError("password_protected")
    raise ParseError("corrupt_file", type="PDF")


def _iso_date(value: str) -> str:
    """Return a PDF date in ISO format, and any other value as it is."""
    date = _DATE.match(value)
    if not date:
        return value
    year, month, day, *clock = (part or "" for part in date.groups())
    day_text = f"{year}-{month or '01'}-{day or '01'}"
    return f"{day_text}T{':'.join(part or '00' for part in clock)}" if clock[0] else day_text
