"""What the forms of a word have in common: its stem, by the rules of its language, and its beginning."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from engines.languages import script_of
from engines.words.folding import fold

if TYPE_CHECKING:
    from Stemmer import Stemmer

# By script, because a word is only stemmed by rules for its letters. Croatian is stemmed as Serbian, which also reads Latin.
_ALGORITHMS = {
    "Latn": {
        "ca": "catalan",
        "cs": "czech",
        "da": "danish",
        "de": "german",
        "en": "english",
        "es": "spanish",
        "et": "estonian",
        "eu": "basque",
        "fi": "finnish",
        "fr": "french",
        "hr": "serbian",
        "hu": "hungarian",
        "id": "indonesian",
        "it": "italian",
        "lt": "lithuanian",
        "nl": "dutch",
        "no": "norwegian",
        "pl": "polish",
        "pt": "portuguese",
        "ro": "romanian",
        "sr": "serbian",
        "sv": "swedish",
        "tr": "turkish",
    },
    "Cyrl": {"ru": "russian", "sr": "serbian"},
    "Arab": {"ar": "arabic", "fa": "persian"},
    "Armn": {"hy": "armenian"},
    "Deva": {"hi": "hindi"},
    "Grek": {"el": "greek"},
    "Taml": {"ta": "tamil"},
}
PREFIX_LENGTH = 5
_DIGIT = re.compile(r"\d")


def stem(word: str, language: str | None) -> str:
    """Return the folded stem of a word in lower case. Words of languages without rules are only folded, and those of
    Vietnamese have no endings, but accents that tell them apart."""
    if language == "vi":
        return word
    algorithm = _algorithms(word[:1]).get(language or "")
    stemmed = fold(_stemmer(algorithm).stemWord(word)) if algorithm else ""
    return stemmed or fold(word)  # some rules leave nothing of a word


def stored_stems(word: str, language: str | None) -> set[str]:
    """Return the stems by which passages are found. Vietnamese is found without accents, too, as many type it."""
    return {stem(word, language), fold(word)} if language == "vi" else {stem(word, language)}


def all_stems(word: str) -> set[str]:
    """Return the stems of a word by the rules of each language that has its letters."""
    stemmed = {_stemmer(algorithm).stemWord(word) for algorithm in {*_algorithms(word[:1]).values()}}
    return {fold(one) for one in (word, *stemmed)}


def prefix(word: str) -> str:
    """Return the beginning of a word, by which its forms meet where the rules of a language miss one or are unknown; "" of
    short words."""
    folded = fold(word)
    return folded[:PREFIX_LENGTH] if len(folded) >= PREFIX_LENGTH and not _DIGIT.search(folded) else ""


@lru_cache(maxsize=4096)
def _algorithms(letter: str) -> dict[str, str]:
    return _ALGORITHMS.get(script_of(letter) or "", {})


@cache
def _stemmer(algorithm: str) -> Stemmer:
    from Stemmer import Stemmer

    return Stemmer(algorithm, 0)
