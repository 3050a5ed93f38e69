"""Which function reads which type. Readers are imported when first needed: some cost seconds."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from engines.parsing import ParsedDocument, detect
from engines.parsing.job import Job

Reader = Callable[[Job], ParsedDocument]

_READERS = {
    detect.PLAIN: "text.read_plain",
    detect.YAML: "text.read_plain",
    detect.MARKDOWN: "markdown.read",
    detect.HTML: "html.read",
    detect.RST: "rst.read",
    detect.ORG: "pandoc.read",
    detect.EPUB: "pandoc.read",
    detect.ODT: "pandoc.read",
    detect.RTF: "pandoc.read",
    detect.CSV: "sheets.read_csv",
    detect.TSV: "sheets.read_csv",
    detect.XLSX: "sheets.read_xlsx",
    detect.XLS: "sheets.read_xls",
    detect.JSON: "json_text.read",
    detect.NDJSON: "json_text.read",
    detect.NOTEBOOK: "json_text.read_notebook",
    detect.XML: "xml.read",
    detect.DOCX: "office.read_docx",
    detect.PPTX: "office.read_pptx",
    detect.DOC: "libreoffice.read",
    detect.PPT: "libreoffice.read",
    detect.EML: "mail.read_eml",
    detect.MSG: "mail.read_msg",
    detect.PDF: "pdf.read",
    detect.ZIP: "archive.read",
}


def reader_of(mime_type: str) -> Reader:
    module, function = _READERS.get(mime_type, "images.read").split(".")
    reader: Reader = getattr(import_module(f"engines.parsing.{module}"), function)
    return reader
