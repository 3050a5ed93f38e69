"""The variables of instructions, as in "You are {{assistant}} of {{organisation}}.". They are replaced, and nothing else is
evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLES: Mapping[str, str] = {
    "assistant": "the assistant's name",
    "workspace": "the name of its workspace",
    "organisation": "the organisation's name",
    "date": "today's date, as in 2026-01-31",
    "language": "the language of the question, as in German",
}
_VARIABLE = re.compile(r"\{\{\s*([^{}]{0,100}?)\s*\}\}")


def unknown_variables(text: str) -> list[str]:
    return [name for name in dict.fromkeys(_VARIABLE.findall(text)) if name not in VARIABLES]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables replaced, once: what a value has is not looked at. Unknown ones stay."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def about_unknown(names: list[str]) -> str:
    known = ", ".join(f"{{{{{name}}}}}" for name in VARIABLES)
    return f"There is no variable '{names[0]}'. Known are: {known}."
