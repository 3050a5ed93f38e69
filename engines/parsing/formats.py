"""The table of supported formats: types, names, readers. To add a format, add a row and a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.parsing import ParsedDocument

PDF = "application/pdf"
ZIP = "application/zip"
RTF = "application/rtf"
EPUB = "application/epub+zip"
ODT = "application/vnd.oasis.opendocument.text"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOC = "application/msword"
PPT = "application/vnd.ms-powerpoint"
XLS = "application/vnd.ms-excel"
MSG = "application/vnd.ms-outlook"
EML = "message/rfc822"
PLAIN = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
RST = "text/x-rst"
ORG = "text/x-org"
CSV = "text/csv"
TSV = "text/tab-separated-values"
YAML = "application/yaml"
XML = "application/xml"
JSON = "application/json"
NDJSON = "application/x-ndjson"
NOTEBOOK = "application/x-ipynb+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`reader` is "module.function" below `engines.parsing`, imported when first needed, because some take seconds.
    `version` changes whenever the reader would give other elements for the same bytes.

    `name` is used in sentences, `label` in lists, `group` where all supported formats are listed. `suffixes` distinguish
    kinds of text. `detected_as` are the content detectors' names for the format.
    """

    mime_type: str
    reader: str
    name: str
    label: str
    group: str
    version: int = 1
    is_text: bool = False
    suffixes: tuple[str, ...] = ()
    detected_as: tuple[str, ...] = ()

    @property
    def starts_programs(self) -> bool:
        return self.reader in ("pandoc.read", "libreoffice.read")


def _text(
    mime_type: str,
    reader: str,
    label: str,
    *suffixes: str,
    name: str = "document",
    group: str = "",
    detected_as: tuple[str, ...] = (),
) -> Format:
    return Format(
        mime_type=mime_type,
        reader=reader,
        name=name,
        label=label,
        group=group or label,
        is_text=True,
        suffixes=suffixes,
        detected_as=detected_as,
    )


def _binary(mime_type: str, reader: str, label: str, *detected_as: str, name: str, group: str = "") -> Format:
    return Format(
        mime_type=mime_type,
        reader=reader,
        name=name,
        label=label,
        group=group or label,
        detected_as=detected_as,
    )


# By subtype. The detectors call AVIF and HEIC by names that other formats share.
_IMAGE_LABELS: dict[str, tuple[str, ...]] = {
    **{subtype: (subtype,) for subtype in ("png", "jpeg", "bmp", "tiff", "webp", "gif")},
    "heic": (),
    "heif": ("heif",),
    "avif": (),
}
FORMATS = (
    _text(PLAIN, "text.read_plain", "Text", ".txt", ".text", ".log", group="text"),
    _text(MARKDOWN, "markdown.read", "Markdown", ".md", ".markdown", ".mdx", detected_as=("markdown",)),
    _text(HTML, "html.read", "HTML", ".html", ".htm", ".xhtml", name="HTML page", detected_as=("html",)),
    _text(RST, "rst.read", "reStructuredText", ".rst", ".rest", detected_as=("rst",)),
    _text(ORG, "pandoc.read", "Org", ".org", name="Org document"),
    _text(CSV, "sheets.read_csv", "CSV", ".csv", detected_as=("csv",)),
    _text(TSV, "sheets.read_csv", "TSV", ".tsv", ".tab", detected_as=("tsv",)),
    _text(JSON, "json_text.read", "JSON", ".json", name="JSON document", detected_as=("json",)),
    _text(NDJSON, "json_text.read", "JSON lines", ".ndjson", ".jsonl", group="JSON", detected_as=("jsonl",)),
    _text(XML, "xml.read", "XML", ".xml", ".svg", ".rss", ".atom", name="XML document", detected_as=("xml",)),
    _text(YAML, "text.read_plain", "YAML", ".yaml", ".yml"),
    _text(NOTEBOOK, "json_text.read_notebook", "Notebook", ".ipynb", name="notebook", group="notebooks"),
    _binary(DOCX, "office.read_docx", "Word", "docx", name="Word document"),
    _binary(DOC, "libreoffice.read", "Word", "doc", name="Word document"),
    _binary(PPTX, "office.read_pptx", "PowerPoint", "pptx", name="PowerPoint presentation"),
    _binary(PPT, "libreoffice.read", "PowerPoint", "ppt", name="PowerPoint presentation"),
    _binary(XLSX, "sheets.read_xlsx", "Excel", "xlsx", name="Excel workbook"),
    _binary(XLS, "sheets.read_xls", "Excel", "xls", name="Excel workbook"),
    _binary(ODT, "pandoc.read", "OpenDocument", "odt", name="OpenDocument text", group="OpenDocument text"),
    _binary(RTF, "pandoc.read", "RTF", "rtf", name="RTF document"),
    _binary(EPUB, "pandoc.read", "EPUB", "epub", name="EPUB book"),
    _text(
        EML,
        "mail.read_eml",
        "E-mail",
        ".eml",
        ".mht",
        ".mhtml",
        name="mail",
        group="mail",
        detected_as=("eml",),
    ),
    _binary(MSG, "mail.read_msg", "Outlook", "outlook", name="Outlook message", group="mail"),
    _binary(PDF, "pdf.read", "PDF", "pdf", name="PDF"),
    *(
        _binary(f"image/{subtype}", "images.read", subtype.upper(), *labels, name="picture", group="images")
        for subtype, labels in _IMAGE_LABELS.items()
    ),
    _binary(ZIP, "archive.read", "ZIP", "zip", name="zip archive", group="zip archives"),
)
BY_TYPE = {one.mime_type: one for one in FORMATS}
_SUFFIXES = {
    **{f".{label}": one.mime_type for one in FORMATS for label in one.detected_as},
    **{suffix: one.mime_type for one in FORMATS for suffix in one.suffixes},
    ".jpg": "image/jpeg",
    ".tif": "image/tiff",
    ".heic": "image/heic",
    ".avif": "image/avif",
    ".msg": MSG,
}
# Changes whenever the cleaning or the limits that apply to all readers change.
COMMON_VERSION = 2


def display_name(mime_type: str) -> str:
    """Return the type's name for use in a sentence."""
    return BY_TYPE[mime_type].name if mime_type in BY_TYPE else "document"


def likely_type(filename: str) -> str:
    """Return the type that the name's suffix stands for, or "". The content decides; this only says what to load before."""
    return _SUFFIXES.get(PurePath(filename).suffix.lower(), "")


def is_text_name(filename: str) -> bool:
    """Return whether the name's suffix stands for a format of text."""
    mime_type = likely_type(filename)
    return bool(mime_type) and BY_TYPE[mime_type].is_text


def reader_version(mime_type: str) -> str:
    """Return a value that changes whenever the same bytes of this type would give other elements; "" for an unknown type."""
    format = BY_TYPE.get(mime_type)
    return f"{format.reader} {COMMON_VERSION}.{format.version}" if format else ""


def supported_formats() -> str:
    """Return all supported formats as the end of a sentence."""
    *most, last = dict.fromkeys(one.group for one in FORMATS)
    return f"{', '.join(most)} and {last}"


def load_reader(mime_type: str) -> Callable[[Any], ParsedDocument]:
    """Return the function that reads this type from an `engines.parsing.job.Job`."""
    module, function = BY_TYPE[mime_type].reader.split(".")
    reader: Callable[[Any], ParsedDocument] = getattr(import_module(f"engines.parsing.{module}"), function)
    return reader
