"""How Word documents of the old format keep their text and its properties, in the main stream and in the table stream."""

from __future__ import annotations

import struct
from collections.abc import Iterator

VERSION_97 = 0xC0
PARAGRAPHS_AT, LETTERS_AT = 0x102, 0xFA  # where the document's head names the places of properties
_PIECES_AT = 0x1A2
_PAGE = 512
_TABLE, _SIZES = 0xD608, (1, 1, 2, 4, 2, 2, 0, 3)


def place(document: bytes, at: int) -> tuple[int, int]:
    """Return what the document's head says there: a place in the table stream, and a size."""
    start, size = struct.unpack_from("<II", document, at)
    return start, size


def pieces(document: bytes, table: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield where each piece of the text is in the stream, its length, and whether its letters have two bytes."""
    at, _ = place(document, _PIECES_AT)
    while table[at] == 1:
        at += 3 + struct.unpack_from("<H", table, at + 1)[0]
    count = (struct.unpack_from("<I", table, at + 1)[0] - 4) // 12
    limits = struct.unpack_from(f"<{count + 1}I", table, at + 5)
    for number in range(count):
        start = struct.unpack_from("<I", table, at + 5 + 4 * (count + 1) + 8 * number + 2)[0]
        is_wide = not start & 0x40000000
        begin = start if is_wide else (start & 0x3FFFFFFF) // 2
        yield begin, limits[number + 1] - limits[number], is_wide


def paragraphs(document: bytes, table: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield where the properties of paragraphs begin and end to hold in the stream, the number of the style, and the
    changes to it."""
    for start, end, data, offset in _runs(document, table, PARAGRAPHS_AT, entry_bytes=13):
        size = 2 * data[offset] - 1 if data[offset] else 2 * data[offset + 1]
        begin = offset + (1 if data[offset] else 2)
        properties = data[begin : begin + size] if offset else b""
        yield start, end, int.from_bytes(properties[:2], "little"), properties[2:]


def letters(document: bytes, table: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield where the properties of letters begin and end to hold in the stream, and the changes to those of their style."""
    for start, end, data, offset in _runs(document, table, LETTERS_AT, entry_bytes=1):
        yield start, end, data[offset + 1 :][: data[offset]] if offset else b""


def _runs(
    document: bytes, table: bytes, at: int, *, entry_bytes: int
) -> Iterator[tuple[int, int, bytes, int]]:
    """Yield the limits of each run, the page that describes it, and the place in the page, or 0."""
    start, size = place(document, at)
    count = (size - 4) // 8
    for number in struct.unpack_from(f"<{count}I", table, start + 4 * (count + 1)):
        page = document[(number & 0x3FFFFF) * _PAGE :][:_PAGE]
        runs = page[_PAGE - 1]
        limits = struct.unpack_from(f"<{runs + 1}I", page)
        for run in range(runs):
            yield limits[run], limits[run + 1], page, 2 * page[4 * (runs + 1) + entry_bytes * run]


def changes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kinds of changes of properties, and their values."""
    at = 0
    while at + 3 <= len(data):
        kind = struct.unpack_from("<H", data, at)[0]
        at += 2
        size = _SIZES[kind >> 13] or data[at] + (2 if kind == _TABLE else 1)
        yield kind, data[at : at + size]
        at += size
