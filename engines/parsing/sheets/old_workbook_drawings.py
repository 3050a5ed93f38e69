"""The list of sheets of old Excel files, which xlrd gives without those that are charts; and what is drawn on each: texts of
boxes, and titles in charts."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_BEGIN, _END, _SHEET, _CONTINUE, _OBJECT, _TEXT_OBJECT, _CHART_TEXT = (
    0x809,
    0x0A,
    0x85,
    0x3C,
    0x5D,
    0x1B6,
    0x100D,
)
_WORKSHEET, _CHART = 0, 2
_COMMENT = 0x19  # a kind of object
_STREAMS = ("Workbook", "Book")


class Drawn(NamedTuple):
    """A sheet: texts of its boxes, and titles of its charts."""

    name: str
    is_worksheet: bool
    is_chart: bool
    is_hidden: bool
    texts: list[str]
    titles: list[str]


class _Record(NamedTuple):
    kind: int
    data: bytes


def workbook_stream(path: Path) -> bytes:
    """Raise OSError or StopIteration if there is none."""
    import olefile

    with olefile.OleFileIO(path) as ole:
        return bytes(ole.openstream(next(name for name in _STREAMS if ole.exists(name))).read())


def sheets(data: bytes) -> list[Drawn]:
    """Return the sheets in their order. Raise struct.error if the stream is broken."""
    found = []
    for record in _part(data, 0):
        if record.kind == _SHEET:
            start, state, kind, length, is_wide = struct.unpack_from("<IBBBB", record.data)
            name = _decoded(record.data[8:], length, is_wide)
            texts, titles = _drawn(list(_part(data, start)))
            found.append(Drawn(name, kind == _WORKSHEET, kind == _CHART, bool(state & 3), texts, titles))
    return found


def _part(data: bytes, at: int) -> Iterator[_Record]:
    """Yield the records from one that begins a part to the one that ends it. Charts on sheets are parts in parts."""
    depth = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        depth += (kind == _BEGIN) - (kind == _END)
        yield _Record(kind, data[at + 4 : at + 4 + size])
        at += 4 + size
        if depth <= 0:
            return


def _drawn(records: list[_Record]) -> tuple[list[str], list[str]]:
    texts: list[str] = []
    titles: list[str] = []
    object_kind = 0
    for number, (kind, data) in enumerate(records):
        if kind == _OBJECT and len(data) >= 6:
            object_kind = struct.unpack_from("<H", data, 4)[0]
        elif kind == _TEXT_OBJECT and object_kind != _COMMENT and len(data) >= 12:
            texts.append(_object_text(records[number + 1 :], struct.unpack_from("<H", data, 10)[0]))
        elif kind == _CHART_TEXT and len(data) >= 4:
            titles.append(_decoded(data[4:], data[2], data[3]))
    return [text for text in texts if text.strip()], [title for title in titles if title.strip()]


def _object_text(following: list[_Record], length: int) -> str:
    """The text stands in the records that follow, each of which says how it is written."""
    text = ""
    for kind, data in following:
        if kind != _CONTINUE or len(text) >= length:
            break
        text += _decoded(data[1:], length - len(text), data[0] if data else 0)
    return text


def _decoded(data: bytes, length: int, is_wide: int) -> str:
    return (
        data[: length * 2].decode("utf-16-le", "replace")
        if is_wide & 1
        else data[:length].decode("cp1252", "replace")
    )
