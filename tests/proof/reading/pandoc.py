"""What pandoc's test data give as the text of a file, as a reference: its syntax tree, as Haskell writes it."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from pathlib import Path

from engines.parsing import ElementKind
from tests.proof.reading.reference import Reference

STRING = r'"((?:[^"\\]|\\.|\\\s+\\)*)"'
ATTRIBUTES = rf"\(\s*{STRING.replace('(', '(?:', 1)}\s*,\s*\[[^\]]*\]\s*,\s*\[[^\]]*\]\s*\)"
TOKEN = re.compile(
    rf"\b(?:(?P<block>Header (?P<level>\d)|Para|Plain|Cell|LineBlock|CodeBlock(?=\s*\())"
    rf"|Str\s*{STRING}|Math\s+\w+\s*{STRING}|Code\s*{ATTRIBUTES}\s*{STRING}|(?P<space>Space|SoftBreak|LineBreak))"
    rf"|(?<=\))\s*{STRING}(?=\s*[],\n])"
)
IMAGE = re.compile(rf"\bImage\s*{ATTRIBUTES}\s*\[[^\[\]]*\]")
BODY = re.compile(r"\}\)?\s*\[")  # what follows the properties
ESCAPE = re.compile(r"\\(?:(?P<number>\d+)|(?P<gap>&|\s+\\)|(?P<sign>.))")
NUMBERS = [*map(str, range(1, 50)), *string.ascii_lowercase, "ii", "iii", "iv"]
SIGNS = {"n": "\n", "t": "\t"}


def pandoc_reference(path: Path) -> Reference:
    """A table's cells are elements of their own, and a note's text stands where its mark is. The properties of the document,
    the descriptions of pictures and the numbers of list items, which are not in the tree, are optional."""
    properties, body = (["", *BODY.split(path.read_text(encoding="utf-8"), maxsplit=1)])[-2:]
    optional = [properties, *IMAGE.findall(body)]
    reference = Reference(optional=[text for part in optional for text in re.findall(STRING, part)])
    reference.optional += NUMBERS * body.count("OrderedList")
    kind, level, text = ElementKind.TEXT, 0, ""
    for token in [*TOKEN.finditer(IMAGE.sub("", body)), None]:
        if token is None or token["block"]:
            if text.strip():
                reference.add(kind, text.strip(), page=None, level=level)
            level = int(token["level"] or 0) if token else 0
            kind, text = ElementKind.TITLE if level else ElementKind.TEXT, ""
        else:
            text += " " if token["space"] else unescaped("".join(_strings(token)))
    return reference


def unescaped(string: str) -> str:
    """Read Haskell's escapes: numbers are decimal, `\\&` is nothing."""

    def sign(found: re.Match[str]) -> str:
        if found["number"]:
            return chr(int(found["number"]))
        return "" if found["gap"] else SIGNS.get(found["sign"], found["sign"])

    return ESCAPE.sub(sign, string)


def _strings(token: re.Match[str]) -> Iterator[str]:
    names = {token.re.groupindex[name] for name in ("block", "level", "space")}
    yield from (group for number, group in enumerate(token.groups(), 1) if group and number not in names)
