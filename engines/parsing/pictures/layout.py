"""Builds elements from lines and tables that have a position on a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from engines.parsing import Element, ElementKind, element_builders
from engines.parsing.pages.blocks import Block, Furniture, Line, Paragraph, Table
from engines.parsing.pages.line_joining import ends_divided, join_lines
from engines.parsing.pages.paragraphs import BULLET, paragraphs

_TITLE_SCALE = 1.15
_BOLD_TITLE_SCALE = 0.98
_MAX_TITLE_LENGTH = 200
_MAX_TITLE_LEVELS = 4
_BARE_BULLET = re.compile(r"[•▪◦●○■□\uf0b7\uf0a7]\s*")
_CAPTION = re.compile(
    r"(?:fig(?:ure|\.)|table|abb(?:ildung|\.)|tab(?:elle|leau|\.)|figura|tabla)\s*\d+(?:\.\d+)*\s?[.:|–-]",
    re.I,
)
_LEADERS = re.compile(r"(?:\s?[.·…]){5,}\s*")
_LABEL_END = (":", "?", "\uff1a")


def elements(blocks: Iterable[Block]) -> Iterator[Element]:
    """Yield elements from blocks in reading order. Paragraphs in larger or bolder letters than the body are titles."""
    found = paragraphs(blocks)
    lines = [line for one in found if isinstance(one, Paragraph) for line in one.lines]
    levels = _title_levels(lines, [one for one in found if isinstance(one, Table)])
    words = {word.strip(".,;:()") for line in lines for word in line.text.split()}
    for one in found:
        if isinstance(one, Table):
            yield _table_element(one)
        elif isinstance(one, Furniture):
            kind = ElementKind.HEADER if one.is_header else ElementKind.FOOTER
            yield Element(kind=kind, text=one.text, page=one.page)
        else:
            yield from _text_elements(one, levels, words)


def _table_element(table: Table) -> Element:
    """Labels have a line each, ended by a semicolon, so that no value seems to belong to the next label."""
    if table.has_labels:
        pairs = [
            f"{label}{' ' if label.endswith(_LABEL_END) else ': '}{value}" for label, value in table.rows
        ]
        return element_builders.paragraph(";\n".join(pairs), table.page)._replace(confidence=table.confidence)
    element = element_builders.table(table.rows, table.page)
    return element._replace(header_rows=table.header_rows, confidence=table.confidence)


def _text_elements(
    paragraph: Paragraph, levels: Mapping[tuple[float, bool], int], words: Container[str]
) -> Iterator[Element]:
    """Yield an element for each page that the paragraph is on. A word that a page's end divides is on the first page."""
    parts = [list(lines) for _, lines in groupby(paragraph.lines, key=lambda line: line.page)]
    texts = [_LEADERS.sub(" … ", join_lines((line.text for line in part), words)) for part in parts]
    for at in range(len(texts) - 1):
        if ends_divided(texts[at]):
            rest, _, following = texts[at + 1].partition(" ")
            texts[at : at + 2] = join_lines((texts[at], rest), words), following
    kind, level = _kind(paragraph, texts, levels)
    for at, (part, text) in enumerate(zip(parts, texts, strict=True)):
        if text:
            yield Element(
                kind=kind,
                text=_BARE_BULLET.sub("", text, count=1) if kind is ElementKind.LIST_ITEM else text,
                page=part[0].page,
                level=level,
                continues=at > 0,
                confidence=min(line.confidence for line in part),
            )


def _kind(
    paragraph: Paragraph, texts: Sequence[str], levels: Mapping[tuple[float, bool], int]
) -> tuple[ElementKind, int]:
    """Return the paragraph's kind, and its level if it is a title."""
    text, first = texts[0], paragraph.lines[0]
    level = first.level or (levels.get(first.style, 0) if first.confidence == 100 else 0)
    is_short = len(text) <= _MAX_TITLE_LENGTH and not text.endswith((".", ",", ";"))
    if first.is_comment:
        return ElementKind.COMMENT, 0
    if paragraph.is_note:
        return ElementKind.NOTE, 0
    if _CAPTION.match(text):
        return ElementKind.CAPTION, 0
    if level and (first.level or is_short) and len(texts) == 1 and any(map(str.isalpha, text)):
        return ElementKind.TITLE, level
    return (ElementKind.LIST_ITEM if BULLET.match(text) else ElementKind.TEXT), 0


def _title_levels(lines: Iterable[Line], tables: Iterable[Table]) -> dict[tuple[float, bool], int]:
    """Return the levels of title styles: those rarer than the most common style, and larger than it or bold."""
    letters: Counter[tuple[float, bool]] = Counter()
    for table in tables:
        if table.confidence == 100:
            letters[table.size, False] += sum(len(text) for row in table.rows for text in row)
    for line in lines:
        if line.confidence == 100:  # recognised letters have no size of their own
            letters[line.style] += len(line.text)
    if not letters:
        return {}
    (body_size, is_body_bold), total = letters.most_common(1)[0][0], letters.total()
    styles = [
        (size, bold)
        for (size, bold), count in letters.items()
        if (size >= body_size * _TITLE_SCALE and count * 2 < total)
        or (bold and not is_body_bold and size >= body_size * _BOLD_TITLE_SCALE and count * 4 < total)
    ]
    return {style: min(rank, _MAX_TITLE_LEVELS) for rank, style in enumerate(sorted(styles, reverse=True), 1)}
