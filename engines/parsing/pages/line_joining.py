"""Joins the lines of a paragraph, as their script and their hyphens ask for it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

_HYPHENS = "-\u00ad\u2010\x02\ufffe"
# Chinese and Japanese have no spaces. (Korean has.)
_UNSPACED = (
    "\u2e80-\u30ff\u31c0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uffef"  # but for wide Latin letters
)
_UNSPACED_END, UNSPACED_START = re.compile(f"[{_UNSPACED}]$"), re.compile(f"^[{_UNSPACED}]")
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LAST_WORD, _FIRST_WORD = re.compile(r"[\w'’\-]+$"), re.compile(r"^[\w'’\-]+")
# "in- and outpatients": the first half of the word is left out, not divided.
_CONJUNCTIONS = {"and", "or", "und", "oder", "sowie", "bzw", "et", "ou", "en", "och", "og"}

# "long-term", "well-known": words that begin no syllable of another one.
_COMPOUND_ENDS = {
    *(
        "term",
        "known",
        "based",
        "free",
        "level",
        "scale",
        "range",
        "quality",
        "related",
        "oriented",
        "driven",
        "standing",
    ),
    *(
        "sized",
        "called",
        "being",
        "speed",
        "time",
        "friendly",
        "established",
        "defined",
        "wheel",
        "house",
        "person",
    ),
}
_PREFIXES = {
    "be",
    "care",
    "de",
    "dis",
    "in",
    "inter",
    "mis",
    "over",
    "pre",
    "re",
    "some",
    "un",
    "under",
    "ware",
    "wheel",
}


def join_lines(lines: Iterable[str], words: Container[str] = frozenset()) -> str:
    """`words` of the same document tell how a word that is divided at the end of a line is written."""
    text = ""
    for line in lines:
        text = _join(text, line.strip(), words) if text else line.strip()
    return text


def ends_divided(text: str) -> bool:
    return text[-1:] in _HYPHENS and text[-2:-1].isalnum()


def _join(text: str, line: str, words: Container[str]) -> str:
    if ends_divided(text) and line[:1].isalnum():
        return text[:-1] + _joint(text[:-1], line, words) + line
    if _UNSPACED_END.search(text) and UNSPACED_START.search(line):
        return text + line
    return f"{text} {line}"


def _joint(text: str, line: str, words: Container[str]) -> str:
    """Return what stands between the parts of a word that ended a line with a hyphen. It stays in names, identifiers and
    compounds: before a capital or a digit, behind a digit, a capital or a single letter."""
    start, end = _LAST_WORD.search(text), _FIRST_WORD.search(line)
    first, last = (start.group() if start else ""), (end.group() if end else "")
    if last in _CONJUNCTIONS:
        return "- "
    is_divided = last[:1].islower() and first[-1:].islower() and len(first) > 1
    if not is_divided or first + last in words:
        return "" if is_divided else "-"
    is_compound = last in _COMPOUND_ENDS and first.lower() not in _PREFIXES
    return "-" if is_compound or f"{first}-{last}" in words else ""
