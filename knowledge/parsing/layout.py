"""Lines with a place on a page become paragraphs and titles, in reading order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.parsing import Element, build

_HEADING_RATIO = 1.15
_LONGEST_HEADING = 200
_MOST_LEVELS = 4
_BULLET = re.compile(r"(?:[•▪◦●○■□–\uf0b7\uf0a7\x7f]|[-*]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+\S")
_BARE_BULLET = re.compile(r"[•▪◦●○■□\uf0b7\uf0a7]\s*")
_HYPHENS = ("-", "\u00ad", "\u2010", "\x02", "\ufffe")
_SENTENCE_END = (".", "!", "?", ":", ";", "。", "！", "？")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`top` and `bottom` grow downwards, in the unit of `size`, the height of its letters."""

    text: str
    page: int
    left: float
    right: float
    top: float
    bottom: float
    size: float


def elements(lines: Sequence[Line]) -> Iterator[Element]:
    """Letters larger than the body's make a title, the larger the higher."""
    levels = _levels(lines)
    for group in _groups(lines):
        text, size = _join([line.text for line in group]), group[0].size
        level = levels.get(round(size, 1), 0)
        if level and len(text) <= _LONGEST_HEADING and any(map(str.isalpha, text)):
            yield build.title(text, level, group[0].page)
        elif _BULLET.match(text):
            yield build.item(_BARE_BULLET.sub("", text, count=1), group[0].page)
        else:
            yield build.paragraph(text, group[0].page)


def _levels(lines: Iterable[Line]) -> dict[float, int]:
    """Sizes of headings to their levels: clearly larger than the commonest size, and rarer."""
    letters: Counter[float] = Counter()
    for line in lines:
        letters[round(line.size, 1)] += len(line.text)
    if not letters:
        return {}
    body, total = letters.most_common(1)[0][0], letters.total()
    larger = sorted(
        (s for s, n in letters.items() if s >= body * _HEADING_RATIO and n * 4 < total), reverse=True
    )
    return {size: min(rank, _MOST_LEVELS) for rank, size in enumerate(larger, 1)}


def _groups(lines: Iterable[Line]) -> Iterator[list[Line]]:
    group: list[Line] = []
    for line in lines:
        if group and not _continues(group, line):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _continues(group: list[Line], line: Line) -> bool:
    """Whether a line belongs to the paragraph above it, in the same column and in the same letters."""
    last = group[-1]
    height = max(last.size, line.size, 1.0)
    if line.page != last.page:
        return not last.text.endswith(_SENTENCE_END) and line.text[:1].islower() and last.size == line.size
    same_row = abs(line.bottom - last.bottom) < height * 0.5 and line.left >= last.left
    if same_row:
        return line.left - last.right < height * 2 and abs(last.size - line.size) <= height * 0.5
    if abs(last.size - line.size) > height * 0.08 or _BULLET.match(line.text):
        return False
    gap, overlap = line.top - last.bottom, min(line.right, last.right) - max(line.left, last.left)
    if gap < -height * 2 or overlap <= 0:
        return line.text[:1].islower() and not last.text.endswith(_SENTENCE_END)
    pitch = group[-1].bottom - group[-2].bottom if len(group) > 1 else 0.0
    allowed = max(height * 0.75, pitch * 1.15 - (line.bottom - line.top)) if pitch > 0 else height * 0.75
    return gap <= allowed and not (line.left > group[0].left + height and last.text.endswith(_SENTENCE_END))


def _join(texts: Sequence[str]) -> str:
    """Lines as one text; a word divided at a line's end is made whole."""
    joined = texts[0].strip()
    for text in texts[1:]:
        text = text.strip()
        if joined.endswith(_HYPHENS) and joined[-2:-1].isalpha() and text[:1].islower():
            joined = joined[:-1] + text
        else:
            joined = f"{joined} {text}"
    return joined
