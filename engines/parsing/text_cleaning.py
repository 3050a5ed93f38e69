"""Removes from text what PostgreSQL cannot store or a reader cannot see."""

from __future__ import annotations

import re
from typing import Any

from core.characters import unusable
from engines.parsing import Element, ElementKind

_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNUSABLE = unusable("\x00-\x08\x0e-\x1f\x7f-\x9f")
# Does not match single plain spaces: that would take longer than all the rest.
_SPACES = re.compile("(?:  |[\t\xa0\u2000-\u200a\u202f\u3000])[ \t\xa0\u2000-\u200a\u202f\u3000]*")
_BLANK_LINES = re.compile("\n{3,}")
# Files written as letters: in one run, or in lines.
_CODED = re.compile(
    r"(?:data:[\w/+.;=-]*,)?(?:[A-Za-z0-9+/]{200,}=*|(?:[A-Za-z0-9+/]{60,}=*\s){3,}[A-Za-z0-9+/]*=*)"
)
_KINDS_OF_LETTERS = (re.compile("[a-z]"), re.compile("[A-Z]"))
_DIGIT = re.compile("[0-9]")
_MIN_CODED = 184
_WINDOW = 30  # half of the shortest line
_HEXADECIMAL = re.compile(r"[0-9a-f\s]+|[0-9A-F\s]+")


def clean(text: str) -> str:
    """Remove what cannot be stored or seen, and normalize newlines."""
    return text if _is_plain(text) else _UNUSABLE.sub("", _LINE_BREAKS.sub("\n", text))


def clean_prose(text: str) -> str:
    """Clean the text, and collapse runs of spaces and of blank lines."""
    is_plain = _is_plain(text)
    text = text if is_plain else clean(text)
    if "  " in text or not is_plain:
        text = _SPACES.sub(" ", text)
    text = text.replace(" \n", "\n").replace("\n ", "\n")
    return (_BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def _is_plain(text: str) -> bool:
    """Return whether there is nothing to clean. Most texts are plain, and the patterns take ten times as long."""
    return text.isascii() and text.replace("\n", "").isprintable()


def without_coded_files(text: str) -> str:
    """Leave out files that are written as base64 or hexadecimal digits. Long chains of one kind of letters are none: genes,
    or ornaments."""
    if len(text) < _MIN_CODED or not _has_long_run(text):
        return text
    return _CODED.sub(lambda match: "" if _is_coded(match[0]) else match[0], text)


def _has_long_run(text: str) -> bool:
    """Return whether some characters follow each other without a space. The pattern takes a hundred times as long."""
    return any(" " not in text[at : at + _WINDOW] for at in range(0, len(text) - _WINDOW + 1, _WINDOW))


def _is_coded(run: str) -> bool:
    is_mixed = all(kind.search(run) for kind in _KINDS_OF_LETTERS)
    return bool(_DIGIT.search(run) and (is_mixed or _HEXADECIMAL.fullmatch(run)))


def clean_element(element: Element) -> Element | None:
    """Return the element with clean text, or None if no readable text is left."""
    is_code = element.kind is ElementKind.CODE
    readable = without_coded_files(element.text)
    text = clean(readable).strip("\n").rstrip() if is_code else clean_prose(readable)
    if not is_code and element.kind is not ElementKind.TABLE and not any(map(str.isalnum, text)):
        # Without letters and digits, emoji are text, but rules of dashes are not.
        has_symbols = any(ord(char) > 0x2FF and not 0x2000 <= ord(char) <= 0x259F for char in text)
        text = text if has_symbols else ""
    if not text:
        return None
    return element if text == element.text else element._replace(text=text)


def clean_metadata(value: Any) -> Any:
    """Return JSON values with clean strings, without empty values."""
    if isinstance(value, dict):
        cleaned = {clean_prose(str(k)): clean_metadata(v) for k, v in value.items()}
        return {k: v for k, v in cleaned.items() if v not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        return [v for v in map(clean_metadata, value) if v not in (None, "", [], {})]
    if isinstance(value, bool | int | float) or value is None:
        return value
    return clean_prose(str(value))
