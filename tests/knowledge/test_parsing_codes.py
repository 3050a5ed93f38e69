"""Each reason for a refusal is known, and is a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engines.parsing.codes import CODES

SOURCES = Path(__file__).resolve().parents[2] / "engines" / "parsing"


def test_every_code_raised_is_listed_and_every_listed_one_is_raised() -> None:
    raised = {
        code for path in SOURCES.glob("*.py") for code in re.findall(r'problem\("(\w+)"', path.read_text())
    }
    assert raised == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_sentence(code: str) -> None:
    assert re.fullmatch(r"[a-z_]+", code)
    assert CODES[code].sentence[0].isupper()
    assert CODES[code].sentence.endswith((".", ")"))
