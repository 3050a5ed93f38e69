"""The characters of names and texts, over all of Unicode."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from django.core.exceptions import ValidationError

from core.name_fields import validate_name
from core.names import FORBIDDEN, printable, without_forbidden
from engines.parsing.text_cleaning import clean

ALL = [chr(code) for code in range(sys.maxunicode + 1)]
# Signs that Unicode lists among the format characters, although they have a shape.
WITH_SHAPE = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Without a shape, in other categories than Cf: fillers, variation selectors, the grapheme joiner.
FILLERS = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
SELECTORS = {*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}
NO_CHARACTERS = {char for char in ALL if ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF}
# Unicode reserves these for further characters without a shape.
RESERVED = [("\u2065",) * 2, ("\ufff0", "\ufffb"), ("\U00013430", "\U0001343f"), ("\U000e0000", "\U000e0fff")]
BREAKS = set("\n\r\x0b\x0c\x85\u2028\u2029")
READABLE = [
    "Grüße an Zoë",
    "東京 2026",
    "می\u200cخواهم کتاب\u200cها",  # noqa: RUF001 - Persian
    "\u0647\u200d.",
    "क्\u200dष and क्\u200cष",
    "ക്ഷന്\u200d ശ്രീ",
    "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
    "👨\u200d👩\u200d👧\u200d👦",
    "👩🏽\u200d🚀 and ❤\ufe0f\u200d🔥",
    "1\ufe0f\u20e3 and ☎\ufe0f",
    "\u1820\u180b\u1828\u180e\u1820",
    "\u0600\u0661\u0662",
]
SMUGGLED = [
    "a\u200cb",
    "a\u200db",
    "a\ufe0fb",
    "1\ufe0f",
    "👩\u200d",
    "س\u200c",
    "❤\ufe01",
    "❤\U000e0101",
    "a\u180b",
]


def is_unusable(char: str) -> bool:
    category = unicodedata.category(char)
    return (
        (category in {"Cc", "Cf", "Cs"} and char not in WITH_SHAPE)
        or char in FILLERS
        or char in SELECTORS
        or char in NO_CHARACTERS
        or (category == "Cn" and any(first <= char <= last for first, last in RESERVED))
    )


UNUSABLE = {char for char in ALL if is_unusable(char)}


def test_texts_lose_every_unusable_character_and_no_other() -> None:
    kept = ["\n" if char in BREAKS else "" if char in UNUSABLE and char != "\t" else char for char in ALL]
    assert clean("".join(ALL)) == "".join(kept)


def test_names_escape_every_unusable_character_and_no_other() -> None:
    assert set(FORBIDDEN.findall("".join(ALL))) == UNUSABLE | BREAKS
    escapes = {printable(char) for char in UNUSABLE | BREAKS}
    assert len(escapes) == len(UNUSABLE | BREAKS)
    assert all(escape.isascii() and escape.isprintable() for escape in escapes)


def test_tags_lose_every_forbidden_character() -> None:
    assert without_forbidden("a\u202eb\U000e0041 \n\x1b c\u3164") == "ab c"


@pytest.mark.parametrize("text", READABLE, ids=ascii)
def test_scripts_and_emoji_keep_the_joiners_that_they_need(text: str) -> None:
    validate_name(text)
    assert clean(text) == printable(text) == without_forbidden(text) == text


@pytest.mark.parametrize("text", SMUGGLED, ids=ascii)
def test_joiners_and_selectors_are_left_out_elsewhere(text: str) -> None:
    assert len(clean(text)) == len(text) - 1
    assert printable(text).isascii() or "\\u" in printable(text)


def test_cleaning_again_changes_nothing() -> None:
    """For every sequence of three of the characters that depend on their neighbours."""
    chars = "a1سक❤\u1820\u180b\u200c\u200d\ufe0f\u20e3\U000e0041"
    for text in {one + two + three for one in chars for two in chars for three in chars}:
        assert clean(clean(text)) == clean(text), ascii(text)
        assert printable(printable(text)) == printable(text), ascii(text)


def test_a_forbidden_character_is_refused_with_its_number() -> None:
    for char in "\x00\n\x1b\u200b\u202e\u2028\u3164\ufeff\ud800\U000e0041":
        with pytest.raises(ValidationError) as refused:
            validate_name(f"ab{char}c")
        assert (
            f"U+{ord(char):04X}, which is character number 3" in refused.value.message % refused.value.params
        )
