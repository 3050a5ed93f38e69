"""Leaders: dots that lead the eye from an entry to its number, as in tables of contents and lists of prices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engines.parsing.pages.aligned_columns import words_of
from engines.parsing.pages.blocks import Line, Word

_LEADERS = re.compile(r"[\s.·…]*(?:[.·…]\s?){5,}")
_NUMBER = re.compile(r"[^\w\n]*(?:\d|[ivxlc]+$)")


def divided_at_leaders(pieces: Sequence[Line]) -> list[Line]:
    """Divide the pieces at leaders between a text and a number."""
    return [part for piece in pieces for part in _parts(piece)]


def joined_at_leaders(entry: Line, number: Line) -> Line:
    """Return the piece that `divided_at_leaders` has divided."""
    return replace(entry, text=f"{entry.text} ..... {number.text}", right=number.right, has_leaders=False)


def without_leaders(text: str) -> str:
    return _LEADERS.sub(" ", text).strip()


def _parts(piece: Line) -> Iterator[Line]:
    match = _LEADERS.search(piece.text, 1)
    if match and _NUMBER.match(piece.text, match.end()):
        entry = tuple(_cut(piece, 0, match.start()))
        number = tuple(_cut(piece, match.end(), len(piece.text)))
        text = piece.text[: match.start()]
        yield replace(piece, text=text, right=entry[-1].right, words=entry, has_leaders=True)
        yield replace(piece, text=piece.text[match.end() :], left=number[0].left, words=number)
    else:
        yield piece


def _cut(piece: Line, start: int, end: int) -> Iterator[Word]:
    """Yield the words of a part of the piece's text. Where it ends within a word, letters count as equally wide."""
    at = 0
    for word in words_of(piece):
        at += word.space and at > 0
        first, last = max(start - at, 0), min(end - at, len(word.text))
        if first < last:
            width = (word.right - word.left) / len(word.text)
            text = word.text[first:last]
            yield Word(text, word.left + first * width, word.left + last * width, word.space)
        at += len(word.text)
