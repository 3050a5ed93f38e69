"""Detects a file's type by its content. The name only distinguishes kinds of text."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from engines.parsing import ParseError, own_process
from engines.parsing.archives import unsupported
from engines.parsing.archives.containers import (
    is_tar,
    type_in_ole,
    type_in_zip,
    type_of_flat_file,
    unsupported_error,
)
from engines.parsing.formats import FORMATS
from engines.parsing.readers.archives import TAR
from engines.parsing.readers.calendar import CALENDAR
from engines.parsing.readers.contact import CONTACT
from engines.parsing.readers.html import HTML
from engines.parsing.readers.json import JSON
from engines.parsing.readers.mail import EML, MBOX
from engines.parsing.readers.pdf import PDF
from engines.parsing.readers.plain_text import PLAIN
from engines.parsing.readers.subtitles import VTT
from engines.parsing.readers.xml import XML
from engines.parsing.texts import encoding

_HEAD_BYTES = 65_536
_IMAGE_SIGNATURE_BYTES = 64
_TAR_NAME_BYTES = 100
_RTF_BYTES = 64
_FLAT_PACKAGE = b"http://schemas.microsoft.com/office/2006/xmlPackage"
_ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK", b"PK00PK")
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TEXT_BY_SUFFIX = {suffix: one.mime_type for one in FORMATS if one.is_text for suffix in one.suffixes}
_TEXT_BY_LABEL = {label: one.mime_type for one in FORMATS if one.is_text for label in one.detected_as}
_BINARY_BY_LABEL = {label: one for one in FORMATS if not one.is_text for label in one.detected_as}
_IMAGES = {one.mime_type for one in FORMATS if one.mime_type.startswith("image/")}
_SIGNATURES = tuple((one.signature, one.mime_type) for one in FORMATS if one.signature)
_HTML_START = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])", re.I | re.S
)
_PDF_WITHOUT_HEADER = re.compile(rb"(?:%[^\r\n]*[\r\n]+)*\s*\d+ \d+ obj\b")
_XML_START = re.compile(r"\s*<\?(?:xml|xpacket)[\s?]|\s*<svg[\s>]", re.I)
# Without a declaration. What HTML has, too, is HTML.
_MARKUP_START = re.compile(
    r"\s*(?:<!--.*?-->\s*)*(?:<!doctype\s[^<]*)?<([A-Za-z_][\w:.-]*)(?:\s[^<>]*)?/?>", re.I | re.S
)
_STARTS = {"WEBVTT": VTT, "BEGIN:VCARD": CONTACT, "BEGIN:VCALENDAR": CALENDAR}
_HTML_TAGS = """
a b body br center code div font form h1 h2 h3 h4 head header hr html i img li main meta nav ol p pre section span
strong table title ul
"""
_MBOX_START = re.compile(r"From \S[^\n]*\d{4}[^\n]*\n>?[\w-]+:")
_MAIL_HEADER = re.compile(
    r"^(from|to|subject|date|received|message-id|mime-version|return-path|delivered-to|content-type|x-[\w-]+):",
    re.I | re.M,
)


def may_have_pages(head: bytes) -> bool:
    """Return whether a file that begins like this may have pages or pictures that are recognised. Text has none."""
    return (
        b"\0" in head
        or b"%PDF-" in head
        or b"{\\rtf" in head[:_RTF_BYTES]
        or _FLAT_PACKAGE in head
        or bool(_PDF_WITHOUT_HEADER.match(head))
    )


def detect(path: Path, filename: str) -> str:
    """Return the mime type. Raise ParseError if the file is empty, encrypted, corrupt or not supported."""
    import filetype

    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip(b"\0"):
        raise ParseError("empty_file")
    if found := _type_by_first_bytes(path, head, filename):
        return found
    is_text = encoding.looks_like_text(head)
    # The signatures of some images are short, such as "BM": only a zero byte shows that such a file is no text.
    kind = filetype.guess(head) if b"\0" in head[:_IMAGE_SIGNATURE_BYTES] or not is_text else None
    kind = None if kind and kind.extension == "ico" else kind  # four bytes, as those of old worksheets
    if kind and kind.mime in _IMAGES:
        return str(kind.mime)
    if is_text:
        return _detect_in_text(head, filename)
    raise _binary_error(path, kind)


def _type_by_first_bytes(path: Path, head: bytes, filename: str) -> str:
    if by_signature := next((one for pattern, one in _SIGNATURES if re.match(pattern, head, re.DOTALL)), ""):
        return by_signature
    if b"%PDF-" in head[:1024] or _PDF_WITHOUT_HEADER.match(head):
        return PDF
    if head.startswith(_ZIP_SIGNATURES):
        return type_in_zip(path, filename)
    if head.startswith(_OLE_SIGNATURE):
        return type_in_ole(path)
    if b"\0" in head and (name := unsupported.name_by_signature(head)):
        raise unsupported_error(name)
    return TAR if b"\0" in head[:_TAR_NAME_BYTES] and is_tar(head) else ""


def _detect_in_text(head: bytes, filename: str) -> str:
    """Return the type by markup, mail headers, the file's suffix, or the content model, in this order."""
    text = encoding.decode(head).lstrip("\ufeff")
    by_suffix = _TEXT_BY_SUFFIX.get(PurePath(filename).suffix.lower(), "")
    if _HTML_START.match(text):
        return by_suffix if by_suffix == EML else HTML
    if _XML_START.match(text):
        return type_of_flat_file(text) or XML
    return (
        _type_of_mail(text, by_suffix)
        or by_suffix
        or _detect_by_start(text)
        or _TEXT_BY_LABEL.get(_label(head), PLAIN)
    )


def _type_of_mail(text: str, by_suffix: str) -> str:
    if by_suffix in ("", PLAIN, EML) and _MBOX_START.match(text):
        return MBOX
    first_block = re.split(r"\r?\n\r?\n", text.lstrip(), maxsplit=1)[0]
    headers = {name.lower() for name in _MAIL_HEADER.findall(first_block)}
    is_mail = len(headers) >= 3 and not headers.isdisjoint(("received", "message-id", "mime-version"))
    return EML if by_suffix in ("", PLAIN) and is_mail else ""


def _detect_by_start(text: str) -> str:
    """Return the type of markup without a declaration, of JSON, or of what names itself; "" for another one."""
    if (markup := _MARKUP_START.match(text)) and "</" in text:
        return HTML if markup[1].lower() in _HTML_TAGS.split() else XML
    if text.lstrip()[:1] in ("{", "["):
        return JSON
    return next((one for start, one in _STARTS.items() if text.startswith(start)), "")


def _label(head: bytes) -> str:
    return str(content_model().identify_bytes(head).output.label)


def _binary_error(path: Path, kind: Any) -> ParseError:
    """Return why the file is refused. It is corrupt if it lacks the signature of the format that a detector reports."""
    if kind:
        label = description = kind.extension
    else:
        output = content_model().identify_path(path).output
        label, description = output.label, output.description
        if output.group in ("code", "text"):
            description = "unknown binary data"
    if label in _BINARY_BY_LABEL:
        return ParseError("corrupt_file", type=_BINARY_BY_LABEL[label].name)
    return unsupported_error(description)


@cache
def content_model() -> Any:
    own_process.require()
    from magika import Magika

    return Magika()
