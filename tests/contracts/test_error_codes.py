"""The table of error codes has exactly the codes that are raised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from core.error_codes import ERROR_CODES, sentence
from core.errors import EngineError
from core.retry_policies import RetryPolicy

CLASSES: list[type[EngineError]] = [EngineError, *EngineError.__subclasses__()]
RAISED = re.compile(rf'\b(?:{"|".join(error.__name__ for error in CLASSES)}|sentence)\(\s*"(\w+)"')
INVALID = re.compile(r'\binvalid\(\s*"(\w+)"')


def source() -> str:
    """Of all packages but the table itself."""
    paths = sorted(Path(settings.BASE_DIR).glob("[!.]*/**/*.py"))
    left_out = {"tests", "benchmarks", "var", "migrations", "error_codes.py"}
    return "\n".join(path.read_text() for path in paths if not left_out & set(path.parts))


def test_every_code_that_is_raised_is_in_the_table():
    text = source()
    raised = {*RAISED.findall(text), *(f"invalid_{what}" for what in INVALID.findall(text))}
    assert len(raised) > 30
    assert raised <= set(ERROR_CODES)


def test_every_code_of_the_table_is_raised():
    text = source()
    assert [code for code in ERROR_CODES if f'"{code}"' not in text and code[:8] != "invalid_"] == []


@pytest.mark.parametrize("code", ERROR_CODES)
def test_code_has_a_complete_sentence(code: str):
    assert re.fullmatch(r"[a-z_]+", code)
    text = ERROR_CODES[code].sentence
    assert text[0] in "'" or text[0].isupper()
    assert text.endswith((".", ")", "}"))


def test_sentence_is_completed_with_values():
    assert "9 pages; at most 3" in sentence("too_many_pages", pages=9, limit=3)
    assert "three" in EngineError("nested_too_deep", limit="three").detail


def test_error_knows_whether_a_retry_may_help():
    assert EngineError("vector_store_unavailable").retryable
    assert not EngineError("vector_store_rejected", "No.").retryable


def test_waits_grow_exponentially_with_jitter_up_to_their_limit():
    policy = RetryPolicy(first_seconds=2, factor=4, max_seconds=3600, jitter=0.25)
    for attempt, expected in enumerate((2, 8, 32, 128, 512, 2048, 3600, 3600), start=1):
        waits = [policy.wait(attempt).total_seconds() for _ in range(50)]
        assert all(expected * 0.75 <= wait <= expected * 1.25 for wait in waits)
        assert len(set(waits)) > 1
