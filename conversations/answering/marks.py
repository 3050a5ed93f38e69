"""Marks in an answer, such as `[1]`, by which it cites passages: where they are, in whatever form, and what they are at."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from conversations.answering.sentences import sentences_of

# A model may write a range of any size.
MOST_IN_RANGE = 50

_NUMBER = r"\d{1,3}"
_RANGE = rf"{_NUMBER}(?:\s*[-\u2013]\s*{_NUMBER})?"
_NAMED = r"(?:(?:passage|source|document|doc|reference|ref|citation)s?\.?\s*|\^)?\#?"
_LIST = rf"{_NAMED}{_RANGE}(?:\s*(?:[,;]|and|&)\s*{_NAMED}{_RANGE})*(?:\u2020[^\]\u3011]{{0,100}})?"
# With the address of a link, which is dropped.
_MARK = re.compile(
    rf"(?P<space>(?<![ \t])[ \t]*)[\[\u3010\uff3b]\s*(?P<list>{_LIST})\s*[\]\u3011\uff3d](?:\([^()\s]*\))?",
    re.IGNORECASE,
)
# Only where nothing else is marked: it may be the number of an item, too.
_ROUND = re.compile(
    rf"(?P<space>(?<=\w)[ \t]+)\((?P<list>{_NUMBER}(?:, ?{_NUMBER})*)\)(?=[.,;:!?]|[ \t]*$)", re.MULTILINE
)
_RANGES = re.compile(rf"({_NUMBER})(?:\s*[-\u2013]\s*({_NUMBER}))?")
_BLOCK_OF_CODE = r"^[ \t]*+(?P<fence>`{3,}+|~{3,}+)[^\n]*+\n(?:.*?^[ \t]*+(?P=fence)[^\n]*$|.*\Z)"
_CODE = re.compile(
    rf"{_BLOCK_OF_CODE}|(?P<ticks>(?<!`)`++)[^\n]*?[^`](?P=ticks)(?!`)", re.MULTILINE | re.DOTALL
)


class MarkedSentence(NamedTuple):
    """A sentence at `start` to `end` of the answer, with its marks, and the numbers of these. `words` is its text without
    them."""

    start: int
    end: int
    words: str
    cited: tuple[int, ...]


def find_marks(text: str) -> list[re.Match[str]]:
    """Return the marks outside of code. Their groups are `space`, which is before it, and `list`, as "1, 3-5"."""
    code = [match.span() for match in _CODE.finditer(text)]
    starts = [start for start, _ in code]
    for pattern in (_MARK, _ROUND):
        found = []
        for match in pattern.finditer(text):
            before = bisect_right(starts, at := match.start("list"))
            if not before or code[before - 1][1] <= at:
                found.append(match)
        if found:
            return found
    return []


def numbers_of(mark: re.Match[str]) -> list[int]:
    """The numbers of the passages that it names, each once."""
    numbers = list[int]()
    for first, last in _RANGES.findall(mark["list"].split("\u2020")[0]):
        low, high = int(first), int(last or first)
        numbers += range(low, min(high, low + MOST_IN_RANGE) + 1) if low <= high else (low, high)
    return list(dict.fromkeys(numbers))


def without_marks(text: str) -> str:
    """The text without anything that looks like a mark."""
    return _MARK.sub("", text)


def marked_sentences(text: str) -> Iterator[MarkedSentence]:
    """The sentences of an answer outside of blocks of code. A mark after the point belongs to the sentence before it."""
    prose = _CODE.sub(lambda code: "\n" * len(code[0]) if code["fence"] else code[0], text)
    marks = find_marks(text)
    # A closing quotation mark belongs to a sentence as a mark does.
    parts, at = list[str](), 0
    for mark in marks:
        parts += prose[at : mark.start()], '"' * (mark.end() - mark.start())
        at = mark.end()
    starts = [mark.start() for mark in marks]
    for start, end, _ in sentences_of("".join((*parts, prose[at:]))):
        inside = marks[bisect_left(starts, start) : bisect_left(starts, end)]
        cited = dict.fromkeys(number for mark in inside for number in numbers_of(mark))
        yield MarkedSentence(start, end, without_marks(text[start:end]), tuple(cited))
