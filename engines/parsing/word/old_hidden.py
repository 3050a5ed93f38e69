"""Text that a style hides in Word documents of the old format. (office-oxide leaves out only what is hidden by itself.)"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from engines.parsing.word import old_records

_STYLES_AT = 0xA2
_VANISH, _STYLE_OF_LETTERS = 0x083C, 0x4A30
_OF_PARAGRAPHS, _OF_LETTERS, _NO_STYLE = 1, 2, 0xFFF
_MAX_BASES = 12  # Word permits no longer chain
_FIRST_LETTER = (
    32  # characters below are the ends of paragraphs and cells, and the places of fields and pictures
)


class _Style(NamedTuple):
    """`hides` is None if the style does not say it itself."""

    base: int
    hides: bool | None


def without_hidden(document: bytes, table: bytes) -> bytes:
    """Return the main stream with spaces in place of what styles hide. Raise struct.error, ValueError or IndexError if it is
    broken."""
    if struct.unpack_from("<H", document, 2)[0] < old_records.VERSION_97:
        return document
    styles = dict(_styles(table, *old_records.place(document, _STYLES_AT)))
    if not any(style.hides for style in styles.values()):
        return document
    hidden = list(_hidden(document, table, styles))
    shown = bytearray(document)
    for begin, length, is_wide in old_records.pieces(document, table):
        width = 1 + is_wide
        end = begin + length * width
        for first, last in hidden:
            for at in range(max(first, begin), min(last, end), width):
                if int.from_bytes(shown[at : at + width], "little") >= _FIRST_LETTER:
                    shown[at : at + width] = b" \0"[:width]
    return bytes(shown)


def _styles(table: bytes, at: int, size: int) -> Iterator[tuple[int, _Style]]:
    """Yield the styles by their numbers."""
    end = at + size
    head, count, base_size = struct.unpack_from("<HHH", table, at)
    at += 2 + head
    for number in range(count):
        (length,) = struct.unpack_from("<H", table, at)
        if length and at + 2 + length <= end:
            yield number, _style(table[at + 2 : at + 2 + length], base_size)
        at += 2 + length


def _style(data: bytes, base_size: int) -> _Style:
    of, parts = struct.unpack_from("<HH", data, 2)
    kind, base = of & 15, of >> 4
    at = base_size + 4 + 2 * struct.unpack_from("<H", data, base_size)[0]  # behind its name
    hides = None
    for number in range(parts & 15):
        (size,) = struct.unpack_from("<H", data, at)
        changes = data[at + 2 : at + 2 + size]
        if (kind, number) in ((_OF_PARAGRAPHS, 1), (_OF_LETTERS, 0)):
            hides = next(
                (value[0] & 1 == 1 for what, value in old_records.changes(changes) if what == _VANISH), None
            )
        at += 2 + size + size % 2
    return _Style(base, hides)


def _hides(styles: Mapping[int, _Style], number: int) -> bool | None:
    for _ in range(_MAX_BASES):
        style = styles.get(number, _Style(_NO_STYLE, None))
        if style.hides is not None:
            return style.hides
        number = style.base
    return None


def _hidden(document: bytes, table: bytes, styles: Mapping[int, _Style]) -> Iterator[tuple[int, int]]:
    """Yield the places in the stream that are hidden by the style of letters, or of their paragraph."""
    paragraphs = sorted(old_records.paragraphs(document, table))
    starts = [start for start, *_ in paragraphs]
    for start, end, changes in old_records.letters(document, table):
        said = dict(old_records.changes(changes))
        if _VANISH in said:
            continue
        own = _hides(styles, int.from_bytes(said.get(_STYLE_OF_LETTERS, b"\xff\x0f"), "little"))
        for first, last, number, _ in paragraphs[max(0, bisect_right(starts, start) - 1) :]:
            if first >= end:
                break
            if own or (own is None and _hides(styles, number)):
                yield max(start, first), min(end, last)
