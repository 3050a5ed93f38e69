"""The numbers of paragraphs in Word documents of the old format. (office-oxide tells only that they are in a list.)

What the file says of its lists is written as the new format does, and counted in the same way.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from lxml import etree

from engines.parsing.word.numbering import Numbering
from engines.parsing.word.styles import Styles
from engines.parsing.word.xml import W

_VERSION_97 = 0xC0
# Where the document's head names places in the other stream, and the length of its text.
_PARAGRAPHS_AT, _PIECES_AT, _LISTS_AT, _USES_AT, _LENGTH_AT = 0x102, 0x1A2, 0x2E2, 0x2EA, 0x4C
_PAGE = 512
_LEVEL = struct.Struct("<iBB9sBiiBBBB")
_LEGAL = 4
_HAS_START, _HAS_LEVEL = 16, 32
_MAX_LISTS = 4_000
_FORMATS = {
    1: "upperRoman",
    2: "lowerRoman",
    3: "upperLetter",
    4: "lowerLetter",
    22: "decimalZero",
    23: "bullet",
    255: "none",
}
_IN_LIST, _LEVEL_OF_LIST = 0x460B, 0x260A
_TABLE, _SIZES = 0xD608, (1, 1, 2, 4, 2, 2, 0, 3)
_END = re.compile("[\r\x07\x0c]")
_INSTRUCTION = re.compile("\x13[^\x13-\x15]*[\x14\x15]")
_KEY_LETTERS = 80
_NO_XML = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")

Labels = dict[str, list[str]]


def text_key(text: str) -> str:
    """Return what is the same of a paragraph's text, however it is read."""
    return "".join(filter(str.isalnum, _INSTRUCTION.sub("", text)))[:_KEY_LETTERS]


def labels(document: bytes, table: bytes) -> Labels:
    """Return the labels of numbered paragraphs by the keys of their text, in their order: "" for a bullet. `table` is the
    stream that the document's head refers to. Raise struct.error or ValueError if they are broken."""
    found: Labels = defaultdict(list)
    if struct.unpack_from("<H", document, 2)[0] < _VERSION_97 or not _place(document, _LISTS_AT)[1]:
        return found
    starts, properties = zip(*sorted(_properties(document, table)), strict=True)
    numbering = Numbering(_definitions(document, table), Styles(etree.Element("none")))
    for text, at in _paragraphs(document, table):
        number, level = properties[bisect_right(starts, at) - 1]
        if (label := numbering.label(str(number), level)) is not None:
            found[text_key(text)].append(label)
    return found


def _place(document: bytes, at: int) -> tuple[int, int]:
    start, size = struct.unpack_from("<II", document, at)
    return start, size


def _paragraphs(document: bytes, table: bytes) -> Iterator[tuple[str, int]]:
    """Yield the text of each paragraph, and where it ends in the stream."""
    left = struct.unpack_from("<I", document, _LENGTH_AT)[0]
    before = ""
    for start, length, is_wide in _pieces(document, table):
        width, count = 1 + is_wide, min(length, left)
        left -= count
        text = document[start : start + count * width].decode("utf-16-le" if is_wide else "cp1252", "replace")
        begin = 0
        for end in _END.finditer(text):
            yield before + text[begin : end.start()], start + end.start() * width
            before, begin = "", end.end()
        before += text[begin:]


def _pieces(document: bytes, table: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield where each piece of the text is in the stream, its length, and whether its letters have two bytes."""
    at, _ = _place(document, _PIECES_AT)
    while table[at] == 1:
        at += 3 + struct.unpack_from("<H", table, at + 1)[0]
    count = (struct.unpack_from("<I", table, at + 1)[0] - 4) // 12
    limits = struct.unpack_from(f"<{count + 1}I", table, at + 5)
    for number in range(count):
        start = struct.unpack_from("<I", table, at + 5 + 4 * (count + 1) + 8 * number + 2)[0]
        is_wide = not start & 0x40000000
        place = start if is_wide else (start & 0x3FFFFFFF) // 2
        yield place, limits[number + 1] - limits[number], is_wide


def _properties(document: bytes, table: bytes) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield where paragraphs begin in the stream, each with the number of its list, and its level."""
    at, size = _place(document, _PARAGRAPHS_AT)
    count = (size - 4) // 8
    for page in struct.unpack_from(f"<{count}I", table, at + 4 * (count + 1)):
        data = document[(page & 0x3FFFFF) * _PAGE :][:_PAGE]
        runs = data[_PAGE - 1]
        for number, start in enumerate(struct.unpack_from(f"<{runs}I", data)):
            place = 2 * data[4 * (runs + 1) + 13 * number]
            size = 2 * data[place] - 1 if data[place] else 2 * data[place + 1]
            begin = place + (1 if data[place] else 2)
            yield start, _list_of(data[begin + 2 : begin + size] if place else b"")


def _list_of(changes: bytes) -> tuple[int, int]:
    number = level = at = 0
    while at + 3 <= len(changes):
        kind = struct.unpack_from("<H", changes, at)[0]
        at += 2
        if kind == _IN_LIST:
            number = int.from_bytes(changes[at : at + 2], "little")
        elif kind == _LEVEL_OF_LIST:
            level = changes[at]
        at += _SIZES[kind >> 13] or changes[at] + (2 if kind == _TABLE else 1)
    return number, level


def _definitions(document: bytes, table: bytes) -> Any:
    """Return the definitions of lists, and their uses, as the new format writes them."""
    root = etree.Element(f"{W}numbering")
    at = _place(document, _LISTS_AT)[0]
    count = struct.unpack_from("<H", table, at)[0]
    levels_at = at + 2 + 28 * count
    for number in range(min(count, _MAX_LISTS)):
        name, flags = struct.unpack_from("<i22xB", table, at + 2 + 28 * number)
        definition = _add(root, "abstractNum", abstractNumId=name)
        for level in range(1 if flags & 1 else 9):
            levels_at = _add_level(definition, level, table, levels_at)
    at = _place(document, _USES_AT)[0]
    count = struct.unpack_from("<I", table, at)[0]
    changes_at = at + 4 + 16 * count
    for number in range(min(count, _MAX_LISTS)):
        name, changes = struct.unpack_from("<i8xB", table, at + 4 + 16 * number)
        use = _add(root, "num", numId=number + 1)
        _add(use, "abstractNumId", val=name)
        changes_at = _add_changes(use, changes, table, changes_at + 4)
    return root


def _add_changes(use: Any, count: int, table: bytes, at: int) -> int:
    """Add what a use of a list changes of it, and return where the next use's changes are."""
    for _ in range(count):
        start, flags = struct.unpack_from("<iI", table, at)
        at += 8
        change = _add(use, "lvlOverride", ilvl=flags & 15)
        if flags & _HAS_LEVEL:
            at = _add_level(change, flags & 15, table, at)
        elif flags & _HAS_START:
            _add(change, "startOverride", val=start)
    return at


def _add_level(parent: Any, level: int, table: bytes, at: int) -> int:
    """Add a level of a list, and return where the next one is."""
    start, form, flags, places, *_, of_letters, of_paragraph, _, _ = _LEVEL.unpack_from(table, at)
    at += _LEVEL.size + of_letters + of_paragraph
    count = int.from_bytes(table[at : at + 2], "little")
    text = table[at + 2 : at + 2 + 2 * count].decode("utf-16-le", "replace")
    shown = (
        f"%{ord(one) + 1}" if place in places and one < "\t" else one for place, one in enumerate(text, 1)
    )
    node = _add(parent, "lvl", ilvl=level)
    _add(node, "start", val=start)
    _add(node, "numFmt", val=_FORMATS.get(form, "decimal"))
    _add(node, "lvlText", val=_NO_XML.sub("", "".join(shown)))
    if flags & _LEGAL:
        _add(node, "isLgl")
    return at + 2 + 2 * count


def _add(parent: Any, name: str, **values: object) -> Any:
    return etree.SubElement(parent, f"{W}{name}", {f"{W}{key}": str(value) for key, value in values.items()})
