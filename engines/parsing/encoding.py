"""Decodes text in any encoding."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARATION = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_CONTROL_CHARACTERS = bytes((*range(9), 11, *range(14, 27), *range(28, 32)))
_SAMPLE_BYTES = 65_536
# Without a byte order mark: where the zero bytes of ASCII characters fall, by position modulo 4.
_ZERO_BYTES = (
    ((False, True, True, True), "utf-32-le"),
    ((True, True, True, False), "utf-32-be"),
    ((False, True, False, True), "utf-16-le"),
    ((True, False, True, False), "utf-16-be"),
)


def decode(data: bytes) -> str:
    """Never fails: what cannot be decoded becomes the replacement character."""
    encoding = guess(data)
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return data.decode(encoding if _is_text_encoding(encoding) else "cp1252", errors="replace")


def guess(data: bytes) -> str:
    """Return the encoding by a byte order mark, by validity, as declared in the text, or by statistics, in this order."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    sample = data[:_SAMPLE_BYTES]
    if wide := _guess_wide(sample):
        return wide
    if _is_valid(data, "utf-8"):
        is_japanese = b"\x1b$" in sample and _is_valid(data, "iso-2022-jp")
        return "iso-2022-jp" if is_japanese else "utf-8"
    match = _DECLARATION.search(data[:4096])
    declared = match[1].decode("ascii").lower() if match else ""
    is_wide = declared.startswith(("utf-16", "utf-32"))
    if _is_text_encoding(declared) and not is_wide and _is_valid(data, declared):
        return declared
    return _guess_legacy(sample, is_whole=len(data) <= _SAMPLE_BYTES)


def looks_like_text(head: bytes) -> bool:
    """Return whether the beginning of a file is text in some encoding."""
    if head.startswith(tuple(mark for mark, _ in _BOMS)) or _guess_wide(head):
        return True
    controls = len(head) - len(head.translate(None, delete=_CONTROL_CHARACTERS))
    return controls * 200 <= len(head)


def _is_valid(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_text_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding
    except LookupError:
        return False


def _guess_wide(head: bytes) -> str:
    """Return the kind of UTF-16 or UTF-32 without a byte order mark, or ""."""
    quarter = max(1, len(head) // 4)
    zeros = tuple(head[offset::4].count(0) * 2 > quarter for offset in range(4))
    for pattern, encoding in _ZERO_BYTES:
        if zeros == pattern and len(head) >= 4:
            return encoding
    return ""


def _guess_legacy(sample: bytes, *, is_whole: bool) -> str:
    """A few bytes above ASCII are too little for statistics: assume Western text."""
    from charset_normalizer import from_bytes

    high = sum(byte > 0x7F for byte in sample)
    if high * 20 < len(sample) or high < 4:
        return "cp1252"
    if is_whole and high * 4 > len(sample) and _is_valid(sample, "cp932") and len(sample) < 512:
        return "cp932"
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"
