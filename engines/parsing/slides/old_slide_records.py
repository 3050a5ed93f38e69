"""The records of old PowerPoint files, and which of them are the newest: the file keeps those of earlier versions, too."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from engines.parsing import ParseError

_HEADER = struct.Struct("<HHI")
_CONTAINER = 0xF
_MAX_DEPTH = 60
_ENCRYPTED = 0xF3D1C4DF
_USER_EDIT, _PERSISTENT = 4085, 6002


class Record(NamedTuple):
    """`data` is the whole stream, in which the content is from `start` to `end`."""

    kind: int
    instance: int
    version: int
    data: bytes
    start: int
    end: int

    @property
    def content(self) -> bytes:
        return self.data[self.start : self.end]

    def numbers(self, form: str, at: int = 0) -> tuple[Any, ...]:
        """Unpack numbers; zeros where the content is too short."""
        size = struct.calcsize(form)
        return struct.unpack(form, self.content[at : at + size].ljust(size, b"\0"))

    def children(self, *kinds: int) -> Iterator[Record]:
        for record in records(self.data, self.start, self.end):
            if not kinds or record.kind in kinds:
                yield record

    def descendants(self, *kinds: int, depth: int = 0) -> Iterator[Record]:
        """Yield records of these kinds, at any depth."""
        for record in records(self.data, self.start, self.end):
            if record.kind in kinds:
                yield record
            elif record.version == _CONTAINER and depth < _MAX_DEPTH:
                yield from record.descendants(*kinds, depth=depth + 1)


def records(data: bytes, start: int, end: int) -> Iterator[Record]:
    while start + _HEADER.size <= end:
        facts, kind, size = _HEADER.unpack_from(data, start)
        start += _HEADER.size
        yield Record(kind, facts >> 4, facts & 0xF, data, start, min(start + size, end))
        start += size


def current_records(user: bytes, data: bytes) -> tuple[dict[int, Record], int]:
    """Return the newest record for each number that others know it by, and the number of the document's own. `user` is the
    stream that tells where the newest list of them is. Raise ParseError if the file is encrypted."""
    mark, at = struct.unpack_from("<II", user, 12)
    if mark == _ENCRYPTED:
        raise ParseError("password_protected")
    found: dict[int, Record] = {}
    document, seen = 0, set[int]()
    while at and at not in seen and at < len(data):
        seen.add(at)
        edit = next(records(data, at, len(data)))
        if edit.kind != _USER_EDIT:
            break
        at, list_at, first = edit.numbers("<III", 8)
        document = document or first
        for number, place in _places(next(records(data, list_at, len(data)), None)):
            record = next(records(data, place, len(data)), None)
            if record:
                found.setdefault(number, record)
    return found, document


def _places(record: Record | None) -> Iterator[tuple[int, int]]:
    """Yield the numbers and places in a list of records: runs of numbers, each with its first one and how many there are."""
    if record is None or record.kind != _PERSISTENT:
        return
    at = record.start
    while at + 4 <= record.end:
        run = struct.unpack_from("<I", record.data, at)[0]
        at += 4
        for number in range(run >> 20):
            if at + 4 <= record.end:
                yield (run & 0xFFFFF) + number, struct.unpack_from("<I", record.data, at)[0]
            at += 4
