"""Where a text may be cut so that each piece fits a number of tokens.

A cut is made between tokens, at white space wherever there is some, so that lengths add up. Where it has to
go through a word, the pieces on both sides are measured again. The work grows with the length of the text,
whatever it looks like.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import NamedTuple, Protocol

from engines.parsing import ElementKind

MEASURED_AT_ONCE = 1_000_000  # characters: where tokens start takes many times the memory of their text
SLACK = 1.1  # pieces may be this much longer than equal ones would be, to end at a better place

# White space as tokenizers see it: Python's own would count some control characters too.
_SPACE = "[ \t\n\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_WORD = re.compile(f"{_SPACE}+")
_LINE = re.compile(f"\n{_SPACE}*")
_PARAGRAPH = re.compile(f"\n[ \t\r]*\n{_SPACE}*")
_CLOSING = "[\"')\\]\u00bb\u2019\u201d\u300d\u300f\uff09]"
_SENTENCE = re.compile(f"[.!?\u2026]{_CLOSING}*{_SPACE}++(?![a-z])|[\u3002\uff01\uff1f]{_CLOSING}*{_SPACE}*")
_PROSE = (_PARAGRAPH, _SENTENCE, _WORD)
_CUTS = {ElementKind.TABLE: (_LINE, _WORD), ElementKind.CODE: (_PARAGRAPH, _LINE, _WORD)}


class Range(NamedTuple):
    start: int
    end: int


class Piece(NamedTuple):
    start: int
    end: int
    tokens: int


class TokenCounter(Protocol):
    """What an embedder knows of lengths."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...

    def token_starts(self, text: str) -> list[int]: ...


class Splitter:
    """Measures ranges of `text` and cuts them. No piece has more than `max_characters`."""

    def __init__(self, text: str, counter: TokenCounter, max_characters: int) -> None:
        self._text, self._counter, self._max_characters = text, counter, max_characters

    def measure(self, ranges: Iterable[Range]) -> Iterator[Piece]:
        batch: list[Range] = []
        characters = 0
        for item in ranges:
            if batch and characters + item.end - item.start > MEASURED_AT_ONCE:
                yield from self._measure(batch)
                batch, characters = [], 0
            batch.append(item)
            characters += item.end - item.start
        yield from self._measure(batch)

    def _measure(self, batch: Sequence[Range]) -> Iterator[Piece]:
        counts = self._counter.count_tokens([self._text[start:end] for start, end in batch])
        starts, ends = zip(*batch, strict=True) if batch else ((), ())
        return map(Piece, starts, ends, counts)

    def parts(self, whole: Range) -> Iterable[Range]:
        """A huge range in parts that are measured one at a time."""
        return self._parts(whole) if whole.end - whole.start > MEASURED_AT_ONCE else (whole,)

    def _parts(self, whole: Range) -> Iterator[Range]:
        start, end = whole
        while end - start > MEASURED_AT_ONCE:
            cut = self._best_cut(
                start + MEASURED_AT_ONCE - self._max_characters, start + MEASURED_AT_ONCE, (_WORD,)
            )
            yield Range(start, cut)
            start = cut
        yield Range(start, end)

    def cut(self, whole: Piece, kind: ElementKind, room: int) -> Iterable[Piece]:
        """Pieces of at most `room` tokens in order, of about the same length, without space around them."""
        fits = whole.tokens <= room and whole.end - whole.start <= self._max_characters
        return (whole,) if fits else self._cut(whole, kind, room)

    def _cut(self, whole: Piece, kind: ElementKind, room: int) -> Iterator[Piece]:
        pieces = list(self._pieces(whole, _CUTS.get(kind, _PROSE), room))
        torn = (Range(start, end) for start, end, _ in pieces if self._in_word(start) or self._in_word(end))
        measured = {item.start: item for item in self.measure(torn)}
        for piece in pieces:
            if piece.start not in measured:
                yield piece
            elif piece.end - piece.start == 1:
                yield measured[piece.start]
            else:
                yield from self.cut(measured[piece.start], kind, room)

    def _pieces(self, whole: Piece, cuts: Sequence[re.Pattern[str]], room: int) -> Iterator[Piece]:
        start, end, total = whole
        token_starts, first = self._counter.token_starts(self._text[start:end]), 0
        while start < end:
            last = first + share(total - first, room)
            limit = whole.start + token_starts[last] if last < total else end
            limit = max(start + 1, min(limit, start + self._max_characters))
            stop = self._best_cut((start + limit) // 2, limit, cuts) if limit < end else end
            last = bisect_left(token_starts, stop - whole.start, first)
            length = len(self._text[start:stop].rstrip())
            if length:
                yield Piece(start, start + length, last - first)
            start, first = self._after_space(stop, end), last

    def _best_cut(self, low: int, high: int, cuts: Sequence[re.Pattern[str]]) -> int:
        """The last place between `low` and `high` that the first possible pattern finds, or else `high`."""
        for pattern in cuts:
            ends = [match.end() for match in pattern.finditer(self._text, low, high)]
            if ends:
                return ends[-1]
        return high

    def _after_space(self, place: int, end: int) -> int:
        space = _WORD.match(self._text, place, end)
        return space.end() if space else place

    def _in_word(self, place: int) -> bool:
        return 0 < place < len(self._text) and not _WORD.search(self._text, place - 1, place + 1)


def share(remaining: int, room: int) -> int:
    """How many of the `remaining` tokens the next piece may take so that the last is no crumb, at least 1."""
    pieces = ceil(remaining / room)
    return max(1, min(room, ceil(remaining / max(1, pieces) * SLACK)))
