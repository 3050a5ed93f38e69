"""The characters of names."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from django.core.exceptions import ValidationError

from core.names import FORBIDDEN_CATEGORIES, printable, validate_name

ORDINARY = ["Ada", "Grüße an Zoë", "東京 2026", "مكتبة", "a_b-c.d (1)", "👩 ❤️", "c:\\x|y"]
FORBIDDEN = [
    "\x00",
    "\n",
    "\x1b",
    "\x7f",
    "\x9b",
    "\xad",
    "\u200b",
    "\u200d",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
]
FORBIDDEN += [
    "\u2062",
    "\u3164",
    "\u115f",
    "\u1160",
    "\uffa0",
    "\ufeff",
    "\ud800",
    "\U000e0041",
    "\U000e0001",
]


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    validate_name(name)
    assert printable(name) == name


@pytest.mark.parametrize("char", FORBIDDEN, ids=ascii)
def test_a_forbidden_character_is_refused_with_its_number_and_shown_as_a_replacement(char: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_name(f"ab{char}c")
    assert f"U+{ord(char):04X}, which is character number 3" in refused.value.message % refused.value.params
    assert printable(f"ab{char}c") == "ab\ufffdc"


def test_every_character_of_the_forbidden_categories_is_replaced() -> None:
    chars = "".join(map(chr, range(sys.maxunicode + 1)))
    assert not {unicodedata.category(char) for char in printable(chars)} & FORBIDDEN_CATEGORIES
