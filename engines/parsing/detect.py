"""What a file is, by its content. The name only tells one kind of text from another."""

from __future__ import annotations

import re
import zipfile
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from engines.parsing import ParseError, encoding
from engines.parsing.formats import (
    DOC,
    DOCX,
    EML,
    EPUB,
    FORMATS,
    HTML,
    JSON,
    MSG,
    ODT,
    PDF,
    PLAIN,
    PPT,
    PPTX,
    RTF,
    XLS,
    XLSX,
    XML,
    ZIP,
    supported,
)

_HEAD = 65_536
_SIGNATURE = 64
# Kinds of text by the ending of a file's name, and by what the content model calls them.
_TEXT_BY_ENDING = {ending: one.mime_type for one in FORMATS if one.is_text for ending in one.endings}
_TEXT_BY_LABEL = {label: one.mime_type for one in FORMATS if one.is_text for label in one.detected_as}
# Binary formats by what the detectors call them: without their signature they are damaged.
_BINARY_BY_LABEL = {label: one for one in FORMATS if not one.is_text for label in one.detected_as}
_IMAGES = {one.mime_type for one in FORMATS if one.mime_type.startswith("image/")}
# Office packages that say what they are, and are not read.
_UNREAD = {
    "application/vnd.oasis.opendocument.spreadsheet": "OpenDocument spreadsheet",
    "application/vnd.oasis.opendocument.presentation": "OpenDocument presentation",
    "application/vnd.oasis.opendocument.graphics": "OpenDocument drawing",
}
_HTML_START = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])", re.I | re.S
)
_PDF_BODY = re.compile(rb"(?:%[^\r\n]*[\r\n]+)*\s*\d+ \d+ obj\b")
_XML_START = re.compile(r"\s*<\?xml[\s?]|\s*<svg[\s>]", re.I)
_MAIL_HEADER = re.compile(
    r"^(from|to|subject|date|received|message-id|mime-version|return-path|delivered-to|content-type|x-[\w-]+):",
    re.I | re.M,
)


def detect(path: Path, filename: str) -> str:
    """The mime type. Raises ParseError for what is empty, protected, broken or not supported."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip(b"\0"):
        raise ParseError("empty_file")
    return _by_signature(path, head) or _by_picture(head) or _by_text(head, filename) or _by_model(path)


def _by_signature(path: Path, head: bytes) -> str:
    if b"%PDF-" in head[:1024] or _PDF_BODY.match(head):
        return PDF
    if head.startswith(b"{\\rtf"):
        return RTF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_zip(path)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _in_ole(path)
    return ""


def _in_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            declared = (
                archive.read("mimetype")[:100].decode("ascii", "replace").strip()
                if "mimetype" in names
                else ""
            )
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise ParseError("corrupt_file", type="zip archive or Office document") from error
    if declared:
        return _supported_package(declared)
    if "[Content_Types].xml" not in names:
        return ZIP
    return _in_ooxml(names)


def _in_ooxml(names: list[str]) -> str:
    folders = {name.split("/", 1)[0].lower() for name in names if "/" in name}
    for folder, mime_type in (("word", DOCX), ("ppt", PPTX), ("xl", XLSX)):
        if folder in folders and "xl/workbook.bin" not in names:
            return mime_type
    raise _unsupported("Office file of an unknown kind")


def _supported_package(declared: str) -> str:
    if declared in (EPUB, ODT):
        return declared
    raise _unsupported(_UNREAD.get(declared, "package of an unknown kind"))


def _in_ole(path: Path) -> str:
    import olefile

    try:
        with olefile.OleFileIO(path) as ole:
            streams = {"/".join(entry).lower() for entry in ole.listdir()}
    except Exception as error:
        raise ParseError("corrupt_file", type="Office document") from error
    if "encryptedpackage" in streams:
        raise ParseError("password_protected")
    for stream, mime_type in (
        ("worddocument", DOC),
        ("powerpoint document", PPT),
        ("workbook", XLS),
        ("book", XLS),
        ("__properties_version1.0", MSG),
    ):
        if stream in streams:
            return mime_type
    raise _unsupported("Office file of an unknown kind")


def _by_text(head: bytes, filename: str) -> str:
    if not encoding.looks_like_text(head):
        return ""
    text = encoding.decode(head)
    named = _TEXT_BY_ENDING.get(PurePath(filename).suffix.lower(), "")
    if _HTML_START.match(text):
        return named if named == EML else HTML
    if _XML_START.match(text):
        return XML
    if _is_mail(text, named):
        return EML
    return named or _guess_text(head, text)


def _is_mail(text: str, named: str) -> bool:
    if named not in ("", PLAIN):
        return False
    block = re.split(r"\r?\n\r?\n", text.lstrip(), maxsplit=1)[0]
    headers = {name.lower() for name in _MAIL_HEADER.findall(block)}
    return len(headers) >= 3 and bool(headers & {"received", "message-id", "mime-version"})


def _guess_text(head: bytes, text: str) -> str:
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return JSON
    return _TEXT_BY_LABEL.get(_model().identify_bytes(head).output.label, PLAIN)


def _by_picture(head: bytes) -> str:
    """By its signature. Some are short, as the letters 'BM': a zero byte says that it is no text."""
    import filetype

    kind = filetype.guess(head) if b"\0" in head[:_SIGNATURE] else None
    return str(kind.mime) if kind and kind.mime in _IMAGES else ""


def _by_model(path: Path) -> str:
    """A picture, or what to call it in the refusal."""
    import filetype

    kind = filetype.guess(path)
    if kind and kind.mime in _IMAGES:
        return str(kind.mime)
    if kind:
        raise _misread(kind.extension, kind.extension)
    output = _model().identify_path(path).output
    if output.group in ("code", "text"):
        raise ParseError("corrupt_file", type="text")
    raise _misread(output.label, output.description)


def _misread(label: str, description: str) -> ParseError:
    if label in _BINARY_BY_LABEL:
        return ParseError("corrupt_file", type=_BINARY_BY_LABEL[label].name)
    return _unsupported(description)


def _unsupported(description: str) -> ParseError:
    return ParseError("unsupported_type", type=description, supported=supported())


@cache
def _model() -> Any:
    from magika import Magika

    return Magika()
