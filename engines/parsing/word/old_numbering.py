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

from engines.parsing.word import old_records
from engines.parsing.word.numbering import Numbering
from engines.parsing.word.styles import Styles
from engines.parsing.word.xml import W

# Where the document's head names places in the other stream, and the length of its text.
_LISTS_AT, _USES_AT, _LENGTH_AT = 0x2E2, 0x2EA, 0x4C
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
    if (
        struct.unpack_from("<H", document, 2)[0] < old_records.VERSION_97
        or not old_records.place(document, _LISTS_AT)[1]
    ):
        return found
    paragraphs = sorted(old_records.paragraphs(document, table))
    starts = [start for start, *_ in paragraphs]
    numbering = Numbering(_definitions(document, table), Styles(etree.Element("none")))
    for text, at in _paragraphs(document, table):
        number, level = _list_of(paragraphs[bisect_right(starts, at) - 1][-1])
        if (label := numbering.label(str(number), level)) is not None:
            found[text_key(text)].append(label)
    return found


def _paragraphs(document: bytes, table: bytes) -> Iterator[tuple[str, int]]:
    """Yield the text of each paragraph, and where it ends in the stream."""
    left = struct.unpack_from("<I", document, _LENGTH_AT)[0]
    before = ""
    for start, length, is_wide in old_records.pieces(document, table):
        width, count = 1 + is_wide, min(length, left)
        left -= count
        text = document[start : start + count * width].decode("utf-16-le" if is_wide else "cp1252", "replace")
        begin = 0
        for end in _END.finditer(text):
            yield before + text[begin : end.start()], start + end.start() * width
            before, begin = "", end.end()
        before += text[begin:]


def _list_of(changes: bytes) -> tuple[int, int]:
    said = dict(old_records.changes(changes))
    return int.from_bytes(said.get(_IN_LIST, b""), "little"), int.from_bytes(
        said.get(_LEVEL_OF_LIST, b""), "little"
    )


def _definitions(document: bytes, table: bytes) -> Any:
    """Return the definitions of lists, and their uses, as the new format writes them."""
    root = etree.Element(f"{W}numbering")
    at = old_records.place(document, _LISTS_AT)[0]
    count = struct.unpack_from("<H", table, at)[0]
    levels_at = at + 2 + 28 * count
    for number in range(min(count, _MAX_LISTS)):
        name, flags = struct.unpack_from("<i22xB", table, at + 2 + 28 * number)
        definition = _add(root, "abstractNum", abstractNumId=name)
        for level in range(1 if flags & 1 else 9):
            levels_at = _add_level(definition, level, table, levels_at)
    at = old_records.place(document, _USES_AT)[0]
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
