"""The text of mails: joined where its lines were only broken for sending, with quoted replies marked, without signatures of
programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from engines.parsing import Element
from engines.parsing.markup import html
from engines.parsing.texts import text

_QUOTED = re.compile(r"(?:> ?)+|(?:>[ \t]?)+")
_SIGNATURE = "-- "
_MARK = "> "
_PGP_SIGNED = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[\w-]+:.*\n)*\n?", re.MULTILINE)
_PGP_BLOCK = re.compile(
    r"^-----BEGIN PGP (SIGNATURE|PUBLIC KEY BLOCK)-----\n.*?(?:^-----END PGP \1-----\n?|\Z)",
    re.MULTILINE | re.DOTALL,
)
_QUOTED_BLOCKS = "//blockquote[not(ancestor::blockquote)]"
_BLOCKS = ("p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "pre")


def plain_elements(content: str, *, flowed: bool = False, joined: bool = False) -> Iterator[Element]:
    """Yield the elements of plain text. If it is `flowed` (RFC 3676), lines with a space at the end go on; if `joined`, that
    space is none of the text."""
    content = _PGP_BLOCK.sub("", _PGP_SIGNED.sub("", content))
    lines = map(_split_quote, content.split("\n"))
    for depth, group in groupby(lines, key=lambda line: line[0]):
        found = [line for _, line in group]
        block = "\n".join(_join_flowed(found, "" if joined else " ") if flowed else found)
        for element in text.elements(block):
            yield element._replace(text=_MARK * depth + element.text) if depth else element


def _split_quote(line: str) -> tuple[int, str]:
    """Return how often the line is quoted, and what it says."""
    match = _QUOTED.match(line)
    return (match[0].count(">"), line[match.end() :]) if match else (0, line)


def _join_flowed(lines: list[str], space: str) -> Iterator[str]:
    paragraph = ""
    for line in (line.removeprefix(" ") for line in lines):  # added where a line began with a space or ">"
        if line.endswith(" ") and line != _SIGNATURE:
            paragraph += line[:-1] + space
        else:
            yield paragraph + line
            paragraph = ""
    if paragraph:
        yield paragraph


def html_elements(content: str) -> Iterator[Element]:
    root = html.parse_tree(content)
    if root is not None:
        for block in root.xpath(_QUOTED_BLOCKS):
            _mark_quoted(block)
        yield from html.tree_elements(root)


def _mark_quoted(block: Any) -> None:
    """Begin each text in the block with a mark."""
    for node in block.iter("blockquote", *_BLOCKS):
        if (node.text or "").strip() or (
            len(node) and node[0].tag not in (*_BLOCKS, "blockquote", "table", "ul", "ol")
        ):
            node.text = _MARK + (node.text or "").lstrip()
