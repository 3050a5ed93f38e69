"""Text as PostgreSQL and a reader can take it."""

from __future__ import annotations

import re
from typing import Any

from engines.parsing import Element, ElementKind

_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Control characters, lone surrogates, soft hyphens, zero-width characters, byte order marks, non-characters.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
# Single plain spaces are left alone: matching each would cost far more than all else here.
_SPACES = re.compile("(?:  |[\t\xa0\u2000-\u200a\u202f\u3000])[ \t\xa0\u2000-\u200a\u202f\u3000]*")
_BLANK_LINES = re.compile("\n{3,}")


def clean(text: str) -> str:
    """Without what cannot be stored or seen, line breaks as '\\n'."""
    return text if _is_plain(text) else _UNWANTED.sub("", _BREAKS.sub("\n", text))


def clean_prose(text: str) -> str:
    """`clean`, and each run of spaces one space."""
    is_plain = _is_plain(text)
    if not is_plain:
        text = _UNWANTED.sub("", _BREAKS.sub("\n", text))
    if "  " in text or not is_plain:
        text = _SPACES.sub(" ", text)
    text = text.replace(" \n", "\n").replace("\n ", "\n")
    return (_BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def _is_plain(text: str) -> bool:
    """Most texts are, and asking takes a tenth of the time that patterns do."""
    return text.isascii() and text.replace("\n", "").isprintable()


def clean_element(element: Element) -> Element | None:
    """The element with clean text; None when nothing readable is left."""
    is_code = element.kind is ElementKind.CODE
    text = clean(element.text).strip("\n").rstrip() if is_code else clean_prose(element.text)
    if not any(map(str.isalnum, text)) and not is_code and element.kind is not ElementKind.TABLE:
        text = text if _has_symbols(text) else ""
    if not text:
        return None
    if text == element.text:
        return element
    return element._replace(text=text)


def clean_metadata(value: Any) -> Any:
    """JSON values whose strings are clean; empty ones are dropped."""
    if isinstance(value, dict):
        cleaned = {clean_prose(str(k)): clean_metadata(v) for k, v in value.items()}
        return {k: v for k, v in cleaned.items() if v not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        return [v for v in map(clean_metadata, value) if v not in (None, "", [], {})]
    if isinstance(value, bool | int | float) or value is None:
        return value
    return clean_prose(str(value))


def _has_symbols(text: str) -> bool:
    """Whether a text without letters and digits says something: emoji do, rules of dashes do not."""
    return any(ord(char) > 0x2FF and not 0x2000 <= ord(char) <= 0x259F for char in text)
