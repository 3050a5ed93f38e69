"""Distinguishes text from letters without meaning, which some files draw in fonts of their own."""

from __future__ import annotations

import re
from itertools import pairwise

# Bullets stand alone.
_PRIVATE = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]{3,}")
_MAX_PRIVATE_SHARE = 0.05
_MIN_LETTERS = 3  # fewer are a bullet or a sign
_MIN_PAIRS = 30
_ENOUGH_WORDS = 200
_MIN_FREQUENT_SHARE = 0.28
_LATIN_WORD = re.compile("[a-z]{4,}")
# The pairs of letters that are frequent in the languages of Europe with Latin letters: they make up 40 to 65 % of the pairs
# in words, and a tenth of those of other letters in their place.
_FREQUENT_PAIRS = frozenset(
    one + other
    for one, others in {
        "a": "nrstlmdcbgve",
        "b": "er",
        "c": "ehothtaz",
        "d": "eio",
        "e": "nrsteldmcia",
        "g": "e",
        "h": "eao",
        "i": "nstlcoaej",
        "k": "ea",
        "l": "ieaol",
        "m": "eao",
        "n": "eiaotdgs",
        "o": "nrsumlo",
        "p": "or",
        "q": "u",
        "r": "eiaotz",
        "s": "eiaotcsz",
        "t": "eiaohrt",
        "u": "nrstm",
        "v": "ea",
    }.items()
    for other in others
)


def has_unknown_letters(text: str) -> bool:
    """Return whether letters have codes that mean nothing outside of their font."""
    letters = "".join(text.split())
    if len(letters) < _MIN_LETTERS or (text.isprintable() and not _PRIVATE.search(text)):
        return False
    is_printable = sum(map(str.isprintable, letters)) * 2 >= len(letters)
    private = sum(map(len, _PRIVATE.findall(text)))
    return not is_printable or private > _MAX_PRIVATE_SHARE * len(letters)


def is_legible(text: str) -> bool:
    """Return whether the text means something, as far as its letters tell."""
    if has_unknown_letters(text):
        return False
    words = _LATIN_WORD.findall(text.lower())
    some = words[:: len(words) // _ENOUGH_WORDS + 1]
    pairs = [one + other for word in some for one, other in pairwise(word)]
    return len(pairs) < _MIN_PAIRS or sum(
        pair in _FREQUENT_PAIRS for pair in pairs
    ) >= _MIN_FREQUENT_SHARE * len(pairs)
