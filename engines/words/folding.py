"""Spellings that mean the same: the case, accents, vowel signs, forms of letters, and digits of other scripts."""

from __future__ import annotations

import re
import unicodedata

# What typesetters and keyboards leave between letters: soft hyphens, joiners, marks of direction, variation selectors.
INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")
# Accents, but not the one of й, which is a letter; the points of Hebrew, Arabic's vowel signs and its lengthening of
# letters, and the dot of Devanagari's foreign sounds.
_MARKS = re.compile(
    "(?<!и)[\u0300-\u036f]|[\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u093c]"
)
_LETTERS = str.maketrans(
    {
        **dict(zip("đøłıðħ", "dolidh", strict=True)),
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        **dict(zip("ٱىةکیہھے", "ايهكيههي", strict=True)),
        "ँ": "ं",
    }
)
_DIGIT = re.compile(r"[^\D0-9]")
_ARABIC_ARTICLE = re.compile("^[وفبك]?ال(?=.{3})|^لل(?=.{3})")


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
# Languages in which these are letters of their own, and are not written as two.
_WITHOUT_UMLAUTS = {"az", "es", "et", "eu", "fi", "hu", "is", "pt", "sk", "sv", "tr"}
_HEBREW_PREFIX = re.compile("^[ובכלמשה](?=[\u05d0-\u05ea]{3})")


def normalized(text: str) -> str:
    """Return the text with one form of each character, such as of full width and of ligatures."""
    return text if text.isascii() else INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def fold_text(text: str) -> str:
    """Return the text with its words as they are compared, each as a whole."""
    text = text.casefold()
    if text.isascii():
        return text
    folded = _MARKS.sub("", unicodedata.normalize("NFKD", text)).translate(_LETTERS)
    folded = _DIGIT.sub(lambda digit: str(int(digit.group())), folded)
    return unicodedata.normalize("NFC", folded)


def fold(word: str) -> str:
    """Return the word as it is compared, without an article."""
    return _ARABIC_ARTICLE.sub("", fold_text(word))


def forms(word: str, language: str | None) -> tuple[str, ...]:
    """Return the word in lower case, and in the other ways in which the same word is written: Müller and Mueller, and in
    Hebrew with or without a preposition."""
    word = word.casefold()
    if word.isascii():
        return (word,)
    spelled = word if language in _WITHOUT_UMLAUTS else word.translate(_UMLAUTS)
    return (word, *sorted({spelled, _HEBREW_PREFIX.sub("", word)} - {word}))
