"""What a file of the format before 2007 says of itself. (olefile's own reader counts for minutes in spoiled files, and does
not know the encoding of texts.)"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

from engines.parsing.texts import encoding

_SUMMARY = "\x05SummaryInformation"
_NAMES = {2: "title", 3: "subject", 4: "author", 5: "keywords", 14: "page_count"}
_CODE_PAGE, _MAX_PROPERTIES, _MAX_BYTES = 1, 100, 2_000
_SHORT, _INTEGER, _TEXT, _WIDE_TEXT = 2, 3, 30, 31


def read(ole: Any) -> dict[str, Any]:
    """Return the properties by their names in metadata; what is spoiled is left out."""
    values: dict[int, int | bytes] = {}
    with suppress(OSError, struct.error):
        summary = ole.openstream(_SUMMARY).read()
        start = struct.unpack_from("<I", summary, 44)[0]
        for number in range(min(struct.unpack_from("<I", summary, start + 4)[0], _MAX_PROPERTIES)):
            kind, offset = struct.unpack_from("<II", summary, start + 8 + 8 * number)
            if kind in _NAMES or kind == _CODE_PAGE:
                values[kind] = _value(summary, start + offset)
    code_page = str(values.get(_CODE_PAGE, ""))
    return {name: _written(values[kind], code_page) for kind, name in _NAMES.items() if values.get(kind)}


def _value(summary: bytes, at: int) -> int | bytes:
    """Return a number, or the bytes of a text; texts of two bytes a letter begin with the mark of their order."""
    kind, number = struct.unpack_from("<Ii", summary, at)
    size = min(max(number, 0), _MAX_BYTES)
    if kind == _TEXT:
        return summary[at + 8 : at + 8 + size]
    if kind == _WIDE_TEXT:
        return b"\xff\xfe" + summary[at + 8 : at + 8 + 2 * size]
    return number & 0xFFFF if kind == _SHORT else number if kind == _INTEGER else 0


def _written(value: int | bytes, code_page: str) -> int | str:
    if isinstance(value, int):
        return value
    return encoding.decode(value.rstrip(b"\0"), f"cp{code_page}").partition("\0")[0].strip()
