"""Bytes to text, whatever wrote them."""

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
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_CONTROLS = bytes((*range(9), 11, *range(14, 27), *range(28, 32)))
_SAMPLE = 65_536
# Without a byte order mark: where the zero bytes of ASCII characters fall, by position modulo 4.
_WIDE = (
    ((False, True, True, True), "utf-32-le"),
    ((True, True, True, False), "utf-32-be"),
    ((False, True, False, True), "utf-16-le"),
    ((True, False, True, False), "utf-16-be"),
)


def decode(data: bytes) -> str:
    """Never fails: what no encoding explains becomes the replacement character."""
    encoding = guess(data)
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return data.decode(encoding if _known(encoding) else "cp1252", errors="replace")


def guess(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    wide = _wide(data[:_SAMPLE])
    if wide:
        return wide
    if _is(data, "utf-8"):
        return "iso-2022-jp" if b"\x1b$" in data[:_SAMPLE] and _is(data, "iso-2022-jp") else "utf-8"
    return _declared(data) or _likely(data[:_SAMPLE], whole=len(data) <= _SAMPLE)


def looks_like_text(head: bytes) -> bool:
    """Whether the beginning of a file is text in some encoding."""
    if head.startswith(tuple(mark for mark, _ in _BOMS)) or _wide(head):
        return True
    controls = len(head) - len(head.translate(None, delete=_CONTROLS))
    return controls * 200 <= len(head)


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _wide(head: bytes) -> str:
    quarter = max(1, len(head) // 4)
    zeros = tuple(head[offset::4].count(0) * 2 > quarter for offset in range(4))
    for pattern, encoding in _WIDE:
        if zeros == pattern and len(head) >= 4:
            return encoding
    return ""


def _declared(data: bytes) -> str:
    found = _DECLARED.search(data[:4096])
    name = found[1].decode("ascii").lower() if found else ""
    return name if _known(name) and not name.startswith(("utf-16", "utf-32")) and _is(data, name) else ""


def _known(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding
    except LookupError:
        return False


def _likely(sample: bytes, *, whole: bool) -> str:
    """A legacy encoding. A handful of high bytes says too little to a statistic: those are Western."""
    from charset_normalizer import from_bytes

    high = sum(byte > 0x7F for byte in sample)
    if high * 20 < len(sample) or high < 4:
        return "cp1252"
    if whole and high * 4 > len(sample) and _is(sample, "cp932") and len(sample) < 512:
        return "cp932"
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"
