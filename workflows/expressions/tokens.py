"""The tokens of CEL, with their places, for the checks that its parser does not make and to find the end of an expression
in a template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_RAW = r"""(?:[bB]?[rR]|[rR][bB])(?:\"{3}(?s:.*?)\"{3}|'{3}(?s:.*?)'{3}|"[^"\n]*"|'[^'\n]*')"""
_STRING = (
    r"""[bB]?(?:\"{3}(?s:(?:\\.|[^\\])*?)\"{3}|'{3}(?s:(?:\\.|[^\\])*?)'{3}"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
)
_PATTERN = re.compile(
    rf"(?P<blank>\s+|//[^\n]*)|(?P<string>{_RAW}|{_STRING})|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>[0-9][A-Za-z0-9_]*)|(?P<sign>.)"
)


class Kind(StrEnum):
    BLANK = "blank"
    STRING = "string"
    NAME = "name"
    NUMBER = "number"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """`start` and `end` are positions in the text."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """From the position on, without blanks and comments."""
    for match in _PATTERN.finditer(text, start):
        kind = Kind(match.lastgroup or Kind.SIGN)
        if kind is not Kind.BLANK:
            yield Token(kind, match[0], match.start())


def place(text: str, position: int) -> str:
    before = text[:position]
    return f"line {before.count(chr(10)) + 1}, column {position - before.rfind(chr(10))}"
