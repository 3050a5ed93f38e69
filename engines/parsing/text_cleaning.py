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


def clean_element(element: Element) -> Element | None:
    """Return the element with clean text, or None if no readable text is left."""
    is_code = element.kind is ElementKind.CODE
    text = clean(element.text).strip("\n").rstrip() if is_code else clean_prose(element.text)
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
