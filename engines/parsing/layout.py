"""Builds paragraphs, list items and titles from lines that have a position on a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from engines.parsing import Element, element_builders

_TITLE_SCALE = 1.15
_BOLD_TITLE_SCALE = 0.98
_MAX_TITLE_LENGTH = 200
_MAX_TITLE_LEVELS = 4
_BULLET = re.compile(r"(?:[•▪◦●○■□\u2013\uf0b7\uf0a7\x7f]|[-*]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+\S")
_BARE_BULLET = re.compile(r"[•▪◦●○■□\uf0b7\uf0a7]\s*")
_HYPHENS = ("-", "\u00ad", "\u2010", "\x02", "\ufffe")
_SENTENCE_END = (".", "!", "?", ":", "\u3002", "\uff01", "\uff1f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`top` and `bottom` grow downwards, in the unit of `size`, which is the font size."""

    text: str
    page: int
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool = False

    @property
    def style(self) -> tuple[float, bool]:
        return self.size, self.bold


def elements(lines: Iterable[Line]) -> Iterator[Element]:
    """Yield elements from lines in reading order. Paragraphs in larger or bolder letters than the body are titles."""
    rows = _join_pieces(lines)
    levels = _title_levels(rows)
    paragraphs: list[list[Line]] = []
    for row in rows:
        if paragraphs and _continues(paragraphs[-1], row):
            paragraphs[-1].append(row)
        else:
            paragraphs.append([row])
    for first, *others in paragraphs:
        text, page, level = first.text.strip(), first.page, levels.get(first.style, 0)
        for other in (row.text.strip() for row in others):
            is_divided_word = text.endswith(_HYPHENS) and text[-2:-1].isalpha() and other[:1].islower()
            text = text[:-1] + other if is_divided_word else f"{text} {other}"
        is_short = len(text) <= _MAX_TITLE_LENGTH and not text.endswith((".", ",", ";"))
        if level and is_short and any(map(str.isalpha, text)):
            yield element_builders.title(text, level, page)
        elif _BULLET.match(text):
            yield element_builders.item(_BARE_BULLET.sub("", text, count=1), page)
        else:
            yield element_builders.paragraph(text, page)


def _join_pieces(lines: Iterable[Line]) -> list[Line]:
    """A superscript or subscript splits a line of text: join the pieces, in the style of the longer one."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else line
        overlap = min(last.bottom, line.bottom) - max(last.top, line.top)
        lower_height = min(last.bottom - last.top, line.bottom - line.top)
        gap = line.left - last.right
        is_in_row = overlap > lower_height * 0.3 and -last.size < gap < last.size * 1.5
        if not joined or line.page != last.page or not is_in_row:
            joined.append(line)
            continue
        longer = max(last, line, key=lambda piece: len(piece.text))
        space = " " if gap > longer.size * 0.15 else ""
        joined[-1] = replace(
            longer,
            text=f"{last.text.rstrip()}{space}{line.text.lstrip()}",
            left=last.left,
            right=max(last.right, line.right),
        )
    return joined


def _title_levels(lines: Iterable[Line]) -> dict[tuple[float, bool], int]:
    """Return the levels of title styles: those rarer than the most common style, and larger than it or bold."""
    letters: Counter[tuple[float, bool]] = Counter()
    for line in lines:
        letters[line.style] += len(line.text)
    if not letters:
        return {}
    (body_size, is_body_bold), total = letters.most_common(1)[0][0], letters.total()
    styles = [
        (size, bold)
        for (size, bold), count in letters.items()
        if count * 4 < total
        and (
            size >= body_size * _TITLE_SCALE
            or (bold and not is_body_bold and size >= body_size * _BOLD_TITLE_SCALE)
        )
    ]
    return {style: min(rank, _MAX_TITLE_LEVELS) for rank, style in enumerate(sorted(styles, reverse=True), 1)}


def _continues(paragraph: list[Line], line: Line) -> bool:
    """Return whether the line belongs to the paragraph above it, in the same column and in the same style."""
    last = paragraph[-1]
    height = max(last.size, line.size, 1.0)
    is_within_sentence = not last.text.endswith(_SENTENCE_END) and line.text[:1].islower()
    if line.page != last.page:
        return is_within_sentence and last.size == line.size
    if abs(last.size - line.size) > height * 0.08 or last.bold != line.bold or _BULLET.match(line.text):
        return False
    gap, overlap = line.top - last.bottom, min(line.right, last.right) - max(line.left, last.left)
    if gap < -height * 2 or overlap <= 0:  # the line begins another column
        return is_within_sentence
    pitch = last.bottom - paragraph[-2].bottom if len(paragraph) > 1 else 0.0
    max_gap = max(height * 0.75, pitch * 1.15 - (line.bottom - line.top)) if pitch > 0 else height * 0.75
    is_indented = line.left > paragraph[0].left + height
    return gap <= max_gap and not (is_indented and last.text.endswith(_SENTENCE_END))
