"""The languages that a question may name."""

from __future__ import annotations

import eldc
import pytest

from engines.languages import LANGUAGE_OF_SCRIPT, language_of
from knowledge.search.language_names import language_named
from tests.engines.languages import PASSAGES

RECOGNISED = sorted({*eldc.LANGUAGES, *LANGUAGE_OF_SCRIPT.values()} - {"ms"})


@pytest.mark.parametrize("code", RECOGNISED)
def test_each_language_of_passages_has_its_code(code: str) -> None:
    assert language_named(code) == language_named(code.upper()) == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("Chinese", "zh"),
        ("中文", "zh"),
        ("zh-TW", "zh"),
        ("pt_BR", "pt"),
        ("Malay", "id"),
        ("nb", "no"),
        ("Norwegian Bokmål", "no"),
        ("Lao", "lo"),
        ("kurdi", "ku"),
        ("العربية", "ar"),
        ("FRANCAIS", "fr"),
        ("klingon", None),
        ("", None),
        ("-", None),
    ],
)
def test_languages_have_names_and_regions(value: str, code: str | None) -> None:
    assert language_named(value) == code


def test_languages_of_passages_can_be_named() -> None:
    for text in PASSAGES.values():
        if code := language_of(text):
            assert language_named(code) == code
