"""What an assistant says when the documents do not have the answer, in the question's language where it is among these."""

from __future__ import annotations

from pathlib import Path

from engines.languages import language_of, script_of

ENGLISH = "en"
# Of short questions in a script, the language may be uncertain: then it is the one that most write in it.
_LANGUAGE_OF_SCRIPT = {"Arab": "ar", "Cyrl": "ru", "Deva": "hi", "Hani": "zh", "Kana": "ja"}
_LINES = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
REFUSALS = dict(line.split(" ", 1) for line in _LINES if not line.startswith("#"))


def refusal(question: str) -> str:
    """In the question's language, or else in English."""
    language = language_of(question) or _LANGUAGE_OF_SCRIPT.get(script_of(question) or "")
    return REFUSALS.get(language or ENGLISH, REFUSALS[ENGLISH])


def is_refusal(text: str) -> bool:
    return text.strip() in REFUSALS.values()
