"""Plain text: paragraphs, and list items where lines begin with bullets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engines.parsing import Element, ParsedDocument, ParseError, element_builders, encoding
from engines.parsing.job import Job

_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_BULLET = re.compile(r"[ \t]*(?:[-*+•‣◦▪·]|\d{1,3}[.)]|\(?[a-z]\))[ \t]+\S")


def read_plain(job: Job) -> ParsedDocument:
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements(load(job))))


def load(job: Job) -> str:
    """Return the file's text with normalized newlines. A file above the limit is not even decoded."""
    if job.path.stat().st_size > job.limits.text_mb << 20:
        raise ParseError("output_too_large", limit=job.limits.text_mb)
    return normalize_newlines(encoding.decode(job.path.read_bytes()))


def normalize_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def elements(text: str) -> Iterator[Element]:
    for block in _BLANK_LINES.split(text.replace("\f", "\n\n")):
        if _BULLET.match(block):
            first, *others = block.split("\n")
            items = [first]
            for line in others:
                if _BULLET.match(line):
                    items.append(line)
                else:  # the line continues the item above
                    items[-1] += " " + line.strip()
            yield from map(element_builders.item, items)
        elif block.strip():
            yield element_builders.paragraph(block)
