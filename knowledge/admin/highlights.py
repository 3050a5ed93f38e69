"""The words of a question in the text of a passage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.search.question import parse

WORD = re.compile(r"\w+")
# A word of the text is marked if it begins as one of the question does, but for its ending.
ENDING, SHORTEST = 3, 3


def highlighted(text: str, query: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is marked."""
    stems = [_stem(word) for word in WORD.findall(parse(query).text.lower()) if len(word) >= SHORTEST]
    last = 0
    for match in WORD.finditer(text):
        word = match[0].lower()
        if any(word.startswith(stem) and len(word) <= len(stem) + 2 * ENDING for stem in stems):
            yield text[last : match.start()], False
            yield match[0], True
            last = match.end()
    yield text[last:], False


def _stem(word: str) -> str:
    return word[: max(SHORTEST, len(word) - ENDING)] if len(word) > 2 * ENDING - 1 else word
