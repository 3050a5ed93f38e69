"""Whether a clause denies something."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache
from typing import NamedTuple

from conversations.answering.facts.tables import lines_of
from engines.languages import script_of
from engines.words.folding import fold, normalized
from engines.words.tokens import TOKEN

# They deny nothing: "no more than" is "at most".
_AT_MOST = re.compile(
    r"\b(?:no|not|nicht|niet|non|pas)\s+(?:be\s+)?(?:more|less|later|earlier|longer|fewer|only|just|exceed\w*|mehr|später|"
    r"weniger|nur|más|menos|sólo|solo|plus|moins|seulement)\b",
    re.IGNORECASE,
)
_UNSPACED_SCRIPTS = {"Hani", "Kana", "Hang", "Thai", "Laoo"}
_CLAUSES = re.compile(
    r"[,;:.!?|()\u0964\u2013\u2014\uff0c\uff1b\u3001\u3002]+(?!\d)|\b(?:but|aber|pero|mais|sondern|но)\b"
)
# What a negation denies is most often among the words before and after it, so many of them.
BEFORE, AFTER = 2, 4


class Polarity(IntEnum):
    """A word that may take the place of a negation, such as "forbidden", makes a clause neither denying nor affirming."""

    AFFIRMS = 0
    UNCLEAR = 1
    DENIES = 2


class Clause(NamedTuple):
    """`denied` has the words around its negation."""

    text: str
    polarity: Polarity
    denied: str


class _Words(NamedTuple):
    denying: frozenset[str]
    unclear: frozenset[str]


def clauses_of(text: str, language: str) -> list[Clause]:
    """The clauses, and the whole as the last of several. The language is that of the words of grammar; English if there are
    none of it."""
    known, text = _words().get(language) or _words()["en"], normalized(text)
    parts = [part.strip() for part in _CLAUSES.split(text) if part.strip()]
    return [_clause(part, known) for part in ((*parts, text) if len(parts) > 1 else parts)]


def _clause(text: str, known: _Words) -> Clause:
    if script_of(text) in _UNSPACED_SCRIPTS:
        has = [any(word in text for word in words) for words in known]
        return Clause(text, _polarity(*has), text)
    words = [match[0] for match in TOKEN.finditer(_AT_MOST.sub(" ", text))]
    denying = [place for place, word in enumerate(words) if known.denying & {*_forms(word)}]
    is_unclear = bool(_AT_MOST.search(text)) or any(known.unclear & {*_forms(word)} for word in words)
    around = (words[max(0, place - BEFORE) : place + AFTER + 1] for place in denying)
    return Clause(
        text, _polarity(bool(denying), is_unclear), " ".join(word for part in around for word in part)
    )


def _polarity(denies: bool, is_unclear: bool) -> Polarity:
    return Polarity.DENIES if denies else Polarity.UNCLEAR if is_unclear else Polarity.AFFIRMS


def _forms(word: str) -> tuple[str, ...]:
    """The word, and of "don't" and "n'est" also what denies."""
    word = fold(word.replace("’", "'"))
    return (word, "n't") if word.endswith("n't") else (word, *word.split("'"))


@cache
def _words() -> dict[str, _Words]:
    rows = {}
    for language, *words in lines_of("negations"):
        bar = words.index("|") if "|" in words else len(words)
        rows[language] = _Words(frozenset(words[:bar]), frozenset(words[bar + 1 :]))
    return rows
