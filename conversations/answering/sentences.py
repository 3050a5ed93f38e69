"""The sentences of a passage or an answer: what is quoted, cited and checked.

A row of a table is one, and so is an item of a list. Thai and Lao have no marks for the ends of sentences, so pieces of
about their length are cut where they have a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from engines.parsing.element_builders import CELL_SEPARATOR
from knowledge.pipeline.splitting import Range, sentence_ends
from knowledge.search.found_chunks import FoundChunk

# In characters. Longer ones are most often lists or pictures that were read without their marks.
LONGEST, LONGEST_WITHOUT_MARKS = 600, 150
# A line of prose goes on in the next one if it is at least so long. Shorter ones without an end, such as a name and a
# position, are labels: they are taken together up to this length.
MIN_WRAPPED, LONGEST_OF_LABELS = 40, 80

_ITEM = re.compile(r"\s*(?:[-*+\u2022\u2023\u25aa\u25cf\u2013>#]|\(?\w{1,3}[.)])\s")
_NO_MARKS = re.compile("[\u0e00-\u0eff]")
_SPACE_IN_THAI = re.compile("(?<=[\u0e00-\u0eff])[ \n]+(?=[\u0e00-\u0eff])")
_SPACE = re.compile(r"\s+")
_END = re.compile(r"[.!?\u2026;\u0589\u061f\u06d4\u0964\u3002\uff01\uff1f\u0e00-\u0eff]\W*$")
_WORD = re.compile(r"[^\W\d_]{2}|[^\W\d_a-zA-Z]")


class Sentence(NamedTuple):
    """`start` and `end` are offsets in the text that it was taken from."""

    start: int
    end: int
    text: str


def sentences_of(text: str) -> list[Sentence]:
    """Return the sentences in their order, without white space around them."""
    found = (piece for run in _runs(text) for piece in _joined(text, [*_cut(text, run)]))
    stripped = (_stripped(text, one) for one in found)
    whole = _labels_together(text, [one for one in stripped if one.start < one.end])
    return [Sentence(start, end, text[start:end]) for start, end in whole]


def sentences_of_chunk(chunk: FoundChunk) -> list[Sentence]:
    """Return the sentences of a passage with their offsets in the document's text. The lines above it that name a table's
    columns have none there, and are left out."""
    above = max(0, len(chunk.text) - (chunk.end - chunk.start))
    shift = chunk.start - above
    return [
        Sentence(start + shift, end + shift, text)
        for start, end, text in sentences_of(chunk.text)
        if start >= above
    ]


def is_row(text: str) -> bool:
    """Whether it is a row of a table."""
    return CELL_SEPARATOR in text


def _runs(text: str) -> Iterator[Range]:
    """Rows and items, and the lines of prose that go on in each other."""
    lines = [Range(*match.span()) for match in re.finditer(r"[^\n]+", text)]
    start = 0
    for line, following in pairwise([*lines, Range(len(text), len(text))]):
        if not _goes_on(text[slice(*line)], text[slice(*following)]) or following.start > line.end + 1:
            yield Range(start, line.end)
            start = following.start


def _goes_on(line: str, following: str) -> bool:
    if not following or is_row(line) or is_row(following) or _ITEM.match(following):
        return False
    return following[:1].islower() or len(line) >= MIN_WRAPPED


def _cut(text: str, run: Range) -> Iterator[Range]:
    """Cut at the ends of sentences, and what is too long at spaces."""
    start = run.start
    for end in (*sentence_ends(text, *run), run.end):
        has_no_marks = len(_NO_MARKS.findall(text, start, end)) * 2 > end - start
        longest = LONGEST_WITHOUT_MARKS if has_no_marks else LONGEST
        spaces = _SPACE_IN_THAI if has_no_marks else _SPACE
        while end - start > longest:
            cut = _space_near(spaces, text, start + longest, Range(start + longest // 2, end))
            if end - cut < longest // 4:
                break
            yield Range(start, cut)
            start = cut
        yield Range(start, end)
        start = end


def _space_near(spaces: re.Pattern[str], text: str, at: int, within: Range) -> int:
    """The end of the white space that is the nearest; that of the range if it has none."""
    last = within.start
    for match in spaces.finditer(text, *within):
        if match.end() > at:
            return last if within.start < last and at - last <= match.end() - at else match.end()
        last = match.end()
    return last if within.start < last else within.end


def _joined(text: str, pieces: list[Range]) -> Iterator[Range]:
    """What has no word, such as the number of an item, belongs to what follows, or else to what is before it."""
    waiting: Range | None = None
    for index, piece in enumerate(pieces):
        whole = Range(waiting.start, piece.end) if waiting else piece
        is_last = index == len(pieces) - 1
        waiting = None if is_last or _WORD.search(text, *piece) else whole
        if not waiting:
            yield whole


def _labels_together(text: str, pieces: Sequence[Range]) -> Iterator[Range]:
    """What ends with a colon also belongs to what follows, of any length."""
    last: Range | None = None
    for piece in pieces:
        inside = text[slice(*piece)]
        if last and _belongs(text[slice(*last)], inside, piece.end - last.start):
            last = Range(last.start, piece.end)
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last


def _belongs(last: str, following: str, length: int) -> bool:
    if is_row(last) or is_row(following) or _ITEM.match(last) or _ITEM.match(following):
        return False
    return last.endswith(":") or (length <= LONGEST_OF_LABELS and _is_label(last) and _is_label(following))


def _is_label(text: str) -> bool:
    return len(text) < LONGEST_OF_LABELS and not _END.search(text)


def _stripped(text: str, piece: Range) -> Range:
    inside = text[slice(*piece)]
    start = piece.start + len(inside) - len(inside.lstrip())
    return Range(start, start + len(inside.strip()))
