"""The text of Word 6 and 95, in which a letter is a byte: office-oxide takes all of it for Western."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from engines.parsing.office.tree import Node
from engines.parsing.texts import encoding

_VERSION_97 = 0xC0  # from this one on, what is not Western is in Unicode
_CHARACTER_SET_AT, _MAC, _HEAD_BYTES = 20, 256, 22
_WESTERN = "cp1252"


def decoded(tree: Node, document: bytes) -> Node:
    """Return the tree with its text in the encoding that it is in. `document` is the main stream."""
    if len(document) < _HEAD_BYTES or struct.unpack_from("<H", document, 2)[0] >= _VERSION_97:
        return tree
    is_mac = struct.unpack_from("<H", document, _CHARACTER_SET_AT)[0] == _MAC
    name = "mac-roman" if is_mac else encoding.guess(b"\n".join(_lines(tree)))
    return tree if name in ("utf-8", _WESTERN) else dict(_in(name, tree))


def _lines(node: Any) -> Iterator[bytes]:
    if isinstance(node, list):
        for part in node:
            yield from _lines(part)
    elif isinstance(node, dict) and node.get("type") == "text":
        yield _bytes(node["text"]) or b""
    elif isinstance(node, dict):
        yield from _lines(list(node.values()))


def _in(name: str, node: Any) -> Any:
    """Return a node with its text decoded again."""
    if isinstance(node, dict):
        return {key: _text(value, name) if key == "text" else _in(name, value) for key, value in node.items()}
    return [_in(name, part) for part in node] if isinstance(node, list) else node


def _text(text: str, name: str) -> str:
    data = _bytes(text)
    return text if data is None else data.decode(name, "replace")


def _bytes(text: str) -> bytes | None:
    """Return the bytes of a text that was taken for Western, or None if it was not."""
    try:
        return b"".join(each.encode("latin-1" if "\x80" <= each < "\xa0" else _WESTERN) for each in text)
    except UnicodeEncodeError:
        return None
