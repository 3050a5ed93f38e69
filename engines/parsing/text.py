"""Plain text: paragraphs, and list items where bullets say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engines.parsing import Element, ParsedDocument, ParseError, element_builders, encoding
from engines.parsing.job import Job

_PARAGRAPHS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_BULLET = re.compile(r"[ \t]*(?:[-*+•‣◦▪·]|\d{1,3}[.)]|\(?[a-z]\))[ \t]+\S")


def read_plain(job: Job) -> ParsedDocument:
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements(load(job))))


def load(job: Job) -> str:
    """The file's text, line breaks as '\\n'. A file that can only be too long is not even decoded."""
    if job.path.stat().st_size > job.limits.text_mb << 20:
        raise ParseError("output_too_large", limit=job.limits.text_mb)
    text = encoding.decode(job.path.read_bytes())
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def elements(text: str) -> Iterator[Element]:
    for block in _PARAGRAPHS.split(text.replace("\f", "\n\n")):
        if _BULLET.match(block):
            yield from map(element_builders.item, _items(block.split("\n")))
        elif block.strip():
            yield element_builders.paragraph(block)


def _items(lines: list[str]) -> Iterator[str]:
    """Lines without a bullet continue the item above."""
    item = lines[0]
    for line in lines[1:]:
        if _BULLET.match(line):
            yield item
            item = line
        else:
            item += " " + line.strip()
    yield item
