"""The frames in which a parser process answers: a kind, a size, and that many bytes."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from itertools import starmap

from engines.parsing import Element, ElementKind

PREFIX = struct.Struct(">BQ")
MAX_HEADER_BYTES = 1 << 20
MAX_ELEMENTS = 1_000_000
MAX_MEMBERS = 10_000
MAX_NAME_BYTES = 4_096
MAX_WARNINGS = 100
MAX_VALUE_LETTERS, MAX_VALUES = 2_000, 1_000  # of the metadata
# What a reader loads only for some files. If a file needed it, it is loaded ahead for the next ones of its suffix.
MODELS = frozenset(("ocr", "encodings"))
DATA_BYTES = 1 << 20
# What the worker sends to the warm process when the child has got its file, and when it may get another one.
STARTED, ANSWERED = b"started", b"answered"
# kind, page (0 if there is none), level, header rows, whether it continues, confidence, bytes of text
_ELEMENT = struct.Struct(">BIII?BI")
_KINDS = tuple(ElementKind)
_MAX_NUMBER = 2**31 - 1


class FrameKind(IntEnum):
    """`PAGE` restarts the timeout. `HEADER` is JSON: the document without its elements, or the error. `MEMBER` is the name
    of a file found inside; its content follows as `DATA`. With `END`, the answer is complete."""

    PAGE = 0
    HEADER = 1
    ELEMENTS = 2
    MEMBER = 3
    DATA = 4
    END = 5


class FrameError(Exception):
    """An answer does not have the form that a parser process gives it."""


def write(stream: int, kind: FrameKind, body: bytes = b"") -> None:
    data = memoryview(PREFIX.pack(kind, len(body)) + body)
    while data:
        data = data[os.write(stream, data) :]


def pack_elements(elements: Iterable[Element]) -> bytes:
    def pack(kind: ElementKind, text: str, page: int | None, level: int, *others: int) -> bytes:
        encoded = text.encode("utf-8", "surrogatepass")
        return (
            _ELEMENT.pack(_KINDS.index(ElementKind(kind)), page or 0, level, *others, len(encoded)) + encoded
        )

    return b"".join(starmap(pack, elements))


def packed_bytes(text_bytes: int, elements: int) -> int:
    """The size of so many packed elements with so much text."""
    return text_bytes + elements * _ELEMENT.size


def unpack_elements(data: bytes) -> Iterator[Element]:
    """Raise FrameError if the data is not made of at most MAX_ELEMENTS elements."""
    start, count = 0, 0
    while start < len(data):
        count += 1
        try:
            kind, page, level, header_rows, continues, confidence, size = _ELEMENT.unpack_from(data, start)
            start += _ELEMENT.size
            text = data[start : start + size].decode("utf-8", "surrogatepass")
            element = Element(
                _KINDS[kind], text, page or None, level, header_rows, continues, min(confidence, 100)
            )
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise FrameError(f"element {count} is malformed") from error
        start += size
        if start > len(data) or count > MAX_ELEMENTS or max(page, level, header_rows) > _MAX_NUMBER:
            raise FrameError(f"element {count} is beyond a limit")
        yield element
