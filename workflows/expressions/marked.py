"""The expressions and templates in the configuration of a step: the texts that its JSON Schema marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.expressions.checking import Known, check
from workflows.expressions.templates import check_template

EXPRESSION, TEMPLATE = "x-cel", "x-template"


def problems_in(schema: Mapping[str, Any], value: Any, known: Known, path: str = "") -> list[str]:
    """A sentence for each problem in a value that has the form of the schema, beginning with its path."""
    return [
        f"'{where}': {problem}"
        for where, mark, text in _marked(schema, value, path)
        for problem in (check if mark == EXPRESSION else check_template)(text, known)
    ]


def _marked(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """(path, mark, text)"""
    if isinstance(value, str):
        yield from ((path, mark, value) for mark in (EXPRESSION, TEMPLATE) if schema.get(mark))
    elif isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, item in value.items():
            yield from _marked(known.get(key, others) or {}, item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _marked(schema.get("items", {}), item, f"{path}.{position}".lstrip("."))
