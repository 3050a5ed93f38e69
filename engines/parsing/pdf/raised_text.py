"""Marks raised text, which would otherwise change numbers and words."""

from __future__ import annotations

import re

_SUPERSCRIPTS = str.maketrans("0123456789+-\u2212=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_EXPONENT = re.compile("[-+\u2212]?[0-9]+|[ni]|[-+\u2212]|[0-9,]+[)]?")
_UNIT = re.compile(r"(?:.*[^\w])?[^\W\d_]{1,3}|.*[)\]]")


def mark_raised(before: str, raised: str) -> tuple[str, bool]:
    """Return how the raised text is written after the text `before`, and whether a space comes first.

    Behind a unit (m²) it is such a sign, behind a number it stands after ^, as digits would join the number. Behind a word
    it is the mark of a note. Raised letters (1st) need no mark.
    """
    if not _EXPONENT.fullmatch(raised):
        return raised, False
    if before[-1:].isdigit():
        return f"^{raised}", False
    return raised.translate(_SUPERSCRIPTS), not _UNIT.fullmatch(before)
