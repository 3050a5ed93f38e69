"""The words of questions, of columns and of values, so that their forms can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from engines.words.folding import fold, normalized
from engines.words.stems import stem

LANGUAGES = ("en", "de", "fr", "es", "it")
_WORD = re.compile(r"[^\W_]+")
_INNER = re.compile(r"(?<=[a-z])(?=[A-Z])")
# A shorter stem is shared by words that have nothing in common.
_MIN_STEM = 3
Phrase = tuple[str, ...]


class Word(NamedTuple):
    """A folded word, with what its forms have in common in each of the languages."""

    text: str
    stems: frozenset[str]

    def is_form_of(self, other: Word) -> bool:
        return self.text == other.text or bool(self.stems & other.stems)


def words_of(text: str) -> list[Word]:
    """Also of names, as unitPrice and unit_price."""
    return [_word(one.lower()) for one in _WORD.findall(_INNER.sub(" ", normalized(text)))]


def phrases() -> Sequence[tuple[str, Phrase]]:
    """What is asked for and a phrase for it, the longest phrases first."""
    return _phrases()


def places(words: Sequence[Word], phrase: Sequence[Word], *, exact: bool) -> Iterator[range]:
    """Where the words have the phrase, or forms of its words."""
    for start in range(len(words) - len(phrase) + 1):
        here = range(start, start + len(phrase))
        pairs = zip((words[place] for place in here), phrase, strict=True)
        if all(one.text == other.text if exact else one.is_form_of(other) for one, other in pairs):
            yield here


@lru_cache(maxsize=10_000)
def _word(text: str) -> Word:
    stems = {stem(text, language) for language in LANGUAGES}
    return Word(fold(text), frozenset(one for one in stems if len(one) >= _MIN_STEM))


@cache
def _phrases() -> Sequence[tuple[str, Phrase]]:
    found = set[tuple[str, Phrase]]()
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        key, _, texts = line.partition(":")
        if not line.startswith("#"):
            found |= {(key, tuple(fold(word) for word in text.split())) for text in texts.split("|")}
    return sorted(found, key=lambda one: (-len(one[1]), one[0] == "filler", one))
