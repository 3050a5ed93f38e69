"""Keywords and regular expressions of users, which RE2 evaluates in a time that is linear in the text."""

from __future__ import annotations

import re
from typing import Any

import re2

from core.json_values import why_not_storable

# A character that is part of no word, in any script; RE2's own \w and \b know ASCII only.
_OUTSIDE = r"[^\pL\pM\pN\p{Pc}]"
_ASCII_CLASSES = re.compile(r"\\[bBwW]")
_OPTIONS, _CAPTURING = re2.Options(), re2.Options()
for _options in (_OPTIONS, _CAPTURING):
    _options.max_mem = 1 << 20  # of a compiled expression with its states: larger ones would also be slower
    _options.log_errors = False
_OPTIONS.never_capture = True


class InvalidPatternError(ValueError):
    """The pattern is not one that OYL supports."""


def compile_keyword(keyword: str) -> Any:
    """It matches whole words, case-insensitively, in UTF-8. Raises InvalidPatternError."""
    return _compile(f"(?i)(?:^|{_OUTSIDE}){re2.escape(keyword.strip())}(?:$|{_OUTSIDE})", keyword)


def compile_regex(pattern: str) -> Any:
    """Matches UTF-8. Raises InvalidPatternError."""
    if not pattern.isascii() and _ASCII_CLASSES.search(pattern):
        raise InvalidPatternError(
            r"\b and \w know the letters A to Z only: use a keyword for whole words, or \pL for any letter"
        )
    return _compile(pattern, pattern)


def first_match(pattern: str, text: str) -> str | None:
    """What the first group of a regular expression matches, or all of it if it has none. Raises InvalidPatternError."""
    found = _compile(pattern, pattern, _CAPTURING).search(text)
    return None if found is None else found[min(found.re.groups, 1)]


def _compile(pattern: str, given: str, options: Any = _OPTIONS) -> Any:
    if why := why_not_storable(given):
        raise InvalidPatternError(why)
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise InvalidPatternError(
            f"{reason} (there is no look-around, no back-reference and no atomic or possessive group)"
        ) from error
