"""A document's text as blocks of a page: headings, paragraphs, lists and tables, made from the stored text alone, so that
nothing of the original reaches the browser."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from knowledge.pipeline.chunking import ELEMENT_SEPARATOR

CELL_SEPARATOR = " | "
BULLETS = ("- ", "• ", "* ")


@dataclass(frozen=True, slots=True)
class Block:
    """`kind`: heading, text, list or table. A heading and a text have one row of one cell."""

    kind: str
    rows: tuple[tuple[str, ...], ...]


def text_blocks(text: str, headings: Collection[str] = ()) -> Iterator[Block]:
    """`headings` are the titles that a block may be."""
    for part in text.split(ELEMENT_SEPARATOR):
        lines = part.strip().split("\n")
        if not part.strip():
            continue
        if part.strip() in headings:
            yield Block("heading", ((part.strip(),),))
        elif len(lines) > 1 and all(CELL_SEPARATOR in line for line in lines):
            yield Block("table", tuple(tuple(line.split(CELL_SEPARATOR)) for line in lines))
        elif all(line.startswith(BULLETS) for line in lines):
            yield Block("list", tuple((line[2:],) for line in lines))
        else:
            yield Block("text", ((part.strip("\n"),),))
