"""Cutting texts into tokens, and tokens into words.

A token goes on over a point, hyphen, slash or the like between letters or digits, so that "COVID-19", "10.0.0.1",
"fooBar" and "U.S." are one: it is found as a whole, however it is joined, and by its parts.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# Scripts without spaces between words: Thai, Lao, Burmese, Khmer; Japanese, Chinese; and Korean, whose particles are
# attached to the word.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
MARKS = "".join(one for one in map(chr, range(0x300, 0x1E950)) if unicodedata.category(one)[0] == "M")
# The first check spares most characters the search among the marks.
WORD = rf"[^\W_{UNSPACED}]+(?:(?![\0-\u02ff])[{MARKS}]+[^\W_{UNSPACED}]*)*"
_JOINT = r"(?:[.\-_/\\:'’\u2010\u2011&@·]{1,3}|,(?<=\d,)(?=\d))"
# Signs that people search for: all but punctuation, the lines of boxes, and fonts' own characters.
_PUNCTUATION = (
    "!-#&-/:-@\\[-`{-~\u00a1\u00a8\u00ab\u00af\u00b4\u00b7\u00b8\u00bb\u00bf\u055a-\u055f\u0589\u05be\u05c0\u05c3\u05f3"
    "\u05f4\u060c\u061b\u061f\u06d4\u0964\u0965\u104a\u104b\u1361-\u1368\u17d4-\u17da\u2000-\u206f\u2500-\u259f"
    "\u2e00-\u2e7f\u3000-\u3020\u30fb\ue000-\uf8ff\ufe10-\ufe6f\ufffd"
)
TOKEN = re.compile(
    rf"(?:\.(?<![\w.]\.))?{WORD}(?:{_JOINT}{WORD})*(?:\+\+|\#(?!\w))?"
    rf"|[{UNSPACED}][{UNSPACED}{MARKS}]*|[^\w\s{MARKS}{_PUNCTUATION}]"
)
_RUN = re.compile(f"[{UNSPACED}]")

# What stands together in such scripts: a consonant with its vowels and tones, or a character.
_CLUSTER = re.compile(
    "[\u0e40-\u0e44]?[\u0e01-\u0e2e][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*[\u0e30\u0e32\u0e33\u0e45]?[\u0e47-\u0e4e]*"
    "|[\u0ec0-\u0ec4]?[\u0e81-\u0eae\u0edc-\u0edf][\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece]*[\u0eb0\u0eb2\u0eb3\u0ebd]?[\u0ec8-\u0ece]*"
    f"|.(?:[\u17d2\u1039].|[{MARKS}])*",
    re.DOTALL,
)

_NUMBER = re.compile(r"\d+(?:[.,'’]\d+)+")
_GROUPED = re.compile(r"(\d{1,3}(?:([.,'’])\d{3})(?:\2\d{3})*)(?:(?!\2)[.,](\d+))?")
_VERSION = re.compile(r"[vV](?=\d+\.\d)")
_POSSESSIVE = ("'s", "’s", "'S", "’S")
_APOSTROPHES = re.compile("['’]")
_SEGMENTS = re.compile(r"[/\\:@]+")
# Points and commas of numbers are kept.
_JOINTS = re.compile(rf"(?!(?<=\d)[.,](?=\d))(?:[^\w{MARKS}]|_)")
# Where a word of a name begins: fooBar, HTTPServer, COVID19.
_INNER = re.compile(
    r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"
)
_MOST_INNER, _MOST_PARTS = 4, 50  # more are a hash, or something encoded


class Words(NamedTuple):
    """Of one token: the ways in which it is written as a whole, with or without articles and endings that an apostrophe
    joins, and its parts."""

    wholes: tuple[str, ...]
    parts: tuple[str, ...] = ()


def words_of(token: str) -> Words:
    if _is_simple(token):
        return Words((token,))
    token = _VERSION.sub("", token)
    if _NUMBER.fullmatch(token):
        return _number(token)
    if token.startswith(".") or token.endswith(("+", "#")):  # .NET, C++, C#
        name = token.lstrip(".")
        return Words((token,), () if name == token else (name,))
    if token[-2:] in _POSSESSIVE:
        return words_of(token[:-2])
    if len(pieces := _APOSTROPHES.split(token)) > 1:
        inner = [words_of(piece) for piece in pieces if len(piece) > 1]
        wholes = (_JOINTS.sub("", token), *(whole for one in inner for whole in one.wholes))
        return Words(wholes, tuple(part for one in inner for part in one.parts))
    segments = _SEGMENTS.split(token)
    parts = [part for segment in segments for part in _parts(segment)]
    whole = _JOINTS.sub("", token)
    return Words(
        (whole or token,), tuple(part for part in dict.fromkeys(parts) if part != whole)[:_MOST_PARTS]
    )


def is_unspaced(token: str) -> bool:
    """Whether it is a run of a script without spaces."""
    return bool(_RUN.match(token))


def clusters(run: str) -> list[str]:
    """Cut a run of an unspaced script into what is about a syllable."""
    return _CLUSTER.findall(run)


def _is_simple(token: str) -> bool:
    """Whether it has nothing to be cut at."""
    return token.isalpha() and (token.islower() or token.istitle() or token.isupper())


def _parts(segment: str) -> list[str]:
    """The segment as a whole, what is between its joints, and the words inside of that. Single letters say too little."""
    pieces = [piece for piece in _JOINTS.split(segment) if piece]
    parts = ["".join(pieces), *pieces]
    for piece in pieces:
        inner = [] if _is_simple(piece) else _INNER.split(piece)
        parts += inner if len(inner) <= _MOST_INNER else []
        if _NUMBER.fullmatch(piece):
            parts += [one for ways in _number(piece) for one in ways]
    return [part for part in parts if len(part) > 1]


def _number(token: str) -> Words:
    """1,234 is 1234, 12,5 is 12.5, and 1.234 may be either. Other numbers with points are versions, addresses or days."""
    if grouped := _GROUPED.fullmatch(token):
        whole, separator, decimals = grouped.groups()
        digits = whole.replace(separator, "")
        if decimals:
            return Words((f"{digits}.{decimals}",))
        others = [whole.replace(separator, ".")] if separator in ".," else []
        return Words((digits, *others))
    numbers = re.split("[.,'’]", token)
    parts = [part for part in numbers if len(part) > 1]
    return Words((".".join(numbers),), tuple(parts) if len(numbers) > 2 else ())
