"""Splitting a text so that each piece fits a number of tokens.

Texts are cut between tokens and, where possible, at white space, so that token counts add up. Where a cut has to go through
a word, the pieces on both sides are measured again. The work is linear in the length of the text, whatever its content.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import NamedTuple, Protocol

from engines.parsing import ElementKind
from knowledge.pipeline.abbreviations import is_abbreviated

MAX_MEASURED_CHARACTERS = 1_000_000  # at once: token starts take many times the memory of their text
SLACK = 1.1  # pieces may be this much longer than equal ones would be, to end at a better place

# White space as tokenizers define it: `\s` would include some control characters.
_SPACE = "[ \t\n\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_WORD = re.compile(f"{_SPACE}+")
_LINE = re.compile(f"\n{_SPACE}*")
_PARAGRAPH = re.compile(f"\n[ \t\r]*\n{_SPACE}*")
_CLOSING = "[\"')\\]\u00bb\u2019\u201d\u300d\u300f\uff09]"
# Also those of Armenian, Arabic, Urdu, Hindi and its neighbours, Burmese, Ethiopic, Khmer and Greek; then those of Chinese and  # noqa: E501
# Japanese, which put no space between sentences.
_ENDS = "[.!?\u2026\u0589\u061f\u06d4\u0964\u0965\u104b\u1362\u17d4]|(?<=[\u0370-\u03ff\u1f00-\u1fff]);"
_SENTENCE = re.compile(
    f"(?:{_ENDS})(?:[ \u00a0\u202f]\u00bb)?+{_CLOSING}*{_SPACE}++(?![a-z])|[\u3002\uff01\uff1f]{_CLOSING}*{_SPACE}*"
)
_PROSE = (_PARAGRAPH, _SENTENCE, _WORD)
_BOUNDARIES = {
    ElementKind.TABLE: (_LINE, _SENTENCE, _WORD),
    ElementKind.CODE: (_PARAGRAPH, _LINE, _WORD),
}


class Range(NamedTuple):
    start: int
    end: int


class Piece(NamedTuple):
    start: int
    end: int
    tokens: int


class TokenCounter(Protocol):
    """The part of an embedder that measures texts."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...

    def token_starts(self, text: str) -> list[int]: ...


class Splitter:
    """Measures and cuts ranges of `text`. No piece has more than `max_characters`."""

    def __init__(self, text: str, counter: TokenCounter, max_characters: int) -> None:
        self._text, self._counter, self._max_characters = text, counter, max_characters

    def split_huge(self, whole: Range) -> Iterator[Range]:
        """Split a range that is too long to be measured at once."""
        start, end = whole
        while end - start > MAX_MEASURED_CHARACTERS:
            limit = start + MAX_MEASURED_CHARACTERS
            cut = self._last_boundary(limit - self._max_characters, limit, (_WORD,))
            yield Range(start, cut)
            start = cut
        yield Range(start, end)

    def measure(self, ranges: Iterable[Range]) -> Iterator[Piece]:
        batch: list[Range] = []
        characters = 0
        for item in ranges:
            if batch and characters + item.end - item.start > MAX_MEASURED_CHARACTERS:
                yield from self._measure_batch(batch)
                batch, characters = [], 0
            batch.append(item)
            characters += item.end - item.start
        yield from self._measure_batch(batch)

    def _measure_batch(self, batch: Sequence[Range]) -> Iterator[Piece]:
        counts = self._counter.count_tokens([self._text[start:end] for start, end in batch])
        return (Piece(*item, tokens) for item, tokens in zip(batch, counts, strict=True))

    def cut(self, whole: Piece, kind: ElementKind, room: int) -> Iterator[Piece]:
        """Yield pieces of at most `room` tokens, in order, of similar length, without white space around them."""
        start, end, total = whole
        if total <= room and end - start <= self._max_characters:
            yield whole
            return
        pieces, boundaries = list[Piece](), _BOUNDARIES.get(kind, _PROSE)
        token_starts, first = self._counter.token_starts(self._text[start:end]), 0
        while start < end:
            last = first + balanced_size(total - first, room)
            limit = whole.start + token_starts[last] if last < total else end
            limit = max(start + 1, min(limit, start + self._max_characters))
            stop = self._last_boundary((start + limit) // 2, limit, boundaries) if limit < end else end
            last = bisect_left(token_starts, stop - whole.start, first)
            if length := len(self._text[start:stop].rstrip()):
                pieces.append(Piece(start, start + length, last - first))
            space = _WORD.match(self._text, stop, end)
            start, first = space.end() if space else stop, last
        # Pieces that begin or end within a word are measured again, because their tokens have changed.
        ranges = (Range(start, end) for start, end, _ in pieces)
        torn = (item for item in ranges if self._is_in_word(item.start) or self._is_in_word(item.end))
        measured = {item.start: item for item in self.measure(torn)}
        for piece in pieces:
            if piece.start not in measured:
                yield piece
            elif piece.end - piece.start == 1:
                yield measured[piece.start]
            else:
                yield from self.cut(measured[piece.start], kind, room)

    def _last_boundary(self, low: int, high: int, boundaries: Sequence[re.Pattern[str]]) -> int:
        """Return the end of the last match between `low` and `high`, of the first pattern that matches, or else `high`."""
        for pattern in boundaries:
            if pattern is _SENTENCE:
                ends = sentence_ends(self._text, low, high)
            else:
                ends = [match.end() for match in pattern.finditer(self._text, low, high)]
            if ends:
                return ends[-1]
        return high

    def _is_in_word(self, position: int) -> bool:
        return 0 < position < len(self._text) and not _WORD.search(self._text, position - 1, position + 1)


def sentence_ends(text: str, start: int, end: int) -> list[int]:
    """Return where the sentences that end between `start` and `end` end, with the white space after them."""
    ends = (match.end() for match in _SENTENCE.finditer(text, start, end))
    return [one for one in ends if not is_abbreviated(text, one)]


def balanced_size(remaining: int, room: int) -> int:
    """Return how many of the `remaining` tokens the next piece may take, at least 1, so that the last one is not tiny."""
    pieces = ceil(remaining / room)
    return max(1, min(room, ceil(remaining / max(1, pieces) * SLACK)))
