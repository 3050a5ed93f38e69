"""Lines with a place on a page become paragraphs and titles, in reading order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from engines.parsing import Element, element_builders

_LARGER = 1.15
_NO_SMALLER = 0.98
_LONGEST_HEADING = 200
_MOST_LEVELS = 4
_BULLET = re.compile(r"(?:[•▪◦●○■□\u2013\uf0b7\uf0a7\x7f]|[-*]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+\S")
_BARE_BULLET = re.compile(r"[•▪◦●○■□\uf0b7\uf0a7]\s*")
_HYPHENS = ("-", "\u00ad", "\u2010", "\x02", "\ufffe")
_SENTENCE_END = (".", "!", "?", ":", "\u3002", "\uff01", "\uff1f")


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
    bold: bool = False

    @property
    def style(self) -> tuple[float, bool]:
        return self.size, self.bold


def elements(lines: Iterable[Line]) -> Iterator[Element]:
    """Letters larger or bolder than the body's make a title, the larger the higher."""
    whole = list(_whole_rows(lines))
    levels = _levels(whole)
    for group in _groups(whole):
        text, page, level = _join([line.text for line in group]), group[0].page, levels.get(group[0].style, 0)
        if level and _reads_as_title(text):
            yield element_builders.title(text, level, page)
        elif _BULLET.match(text):
            yield element_builders.item(_BARE_BULLET.sub("", text, count=1), page)
        else:
            yield element_builders.paragraph(text, page)


def _reads_as_title(text: str) -> bool:
    return (
        len(text) <= _LONGEST_HEADING and any(map(str.isalpha, text)) and not text.endswith((".", ",", ";"))
    )


def _whole_rows(lines: Iterable[Line]) -> Iterator[Line]:
    """A raised or lowered sign divides a line of text: its pieces are put together again."""
    last: Line | None = None
    for line in lines:
        if last and _same_row(last, line):
            last = _merged(last, line)
            continue
        if last:
            yield last
        last = line
    if last:
        yield last


def _same_row(last: Line, line: Line) -> bool:
    overlap = min(last.bottom, line.bottom) - max(last.top, line.top)
    lower = min(last.bottom - last.top, line.bottom - line.top)
    gap = line.left - last.right
    return line.page == last.page and overlap > lower * 0.3 and -last.size < gap < last.size * 1.5


def _merged(last: Line, line: Line) -> Line:
    """In the letters of the longer piece."""
    longer = max(last, line, key=lambda piece: len(piece.text))
    apart = " " if line.left - last.right > longer.size * 0.15 else ""
    return replace(
        longer,
        text=f"{last.text.rstrip()}{apart}{line.text.lstrip()}",
        left=last.left,
        right=max(last.right, line.right),
        top=longer.top,
        bottom=longer.bottom,
    )


def _levels(lines: Iterable[Line]) -> dict[tuple[float, bool], int]:
    """Styles of headings to their levels: larger than the commonest style or bold in it, and rarer."""
    letters: Counter[tuple[float, bool]] = Counter()
    for line in lines:
        letters[line.style] += len(line.text)
    if not letters:
        return {}
    (body, body_is_bold), total = letters.most_common(1)[0][0], letters.total()
    found = [
        (size, bold)
        for (size, bold), count in letters.items()
        if count * 4 < total
        and (size >= body * _LARGER or (bold and not body_is_bold and size >= body * _NO_SMALLER))
    ]
    return {style: min(rank, _MOST_LEVELS) for rank, style in enumerate(sorted(found, reverse=True), 1)}


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
    if abs(last.size - line.size) > height * 0.08 or last.bold != line.bold or _BULLET.match(line.text):
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
    for text in map(str.strip, texts[1:]):
        if joined.endswith(_HYPHENS) and joined[-2:-1].isalpha() and text[:1].islower():
            joined = joined[:-1] + text
        else:
            joined = f"{joined} {text}"
    return joined
