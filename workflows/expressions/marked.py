"""The expressions and templates in the configuration of a step: the texts that its JSON Schema marks.

A template that is marked as "url" makes an address: its values are percent-encoded, and the host is always literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from workflows.expressions.cel import evaluate_all
from workflows.expressions.checking import Known, check
from workflows.expressions.errors import ExpressionError
from workflows.expressions.templates import OPEN, Template, check_template

EXPRESSION, TEMPLATE, URL = "x-cel", "x-template", "url"
_HOST = re.compile(r"https?://[^/?#{}]+([/?#]|$)", re.IGNORECASE)
_Visit = Callable[[str, Mapping[str, Any], str], Any]


def problems_in(schema: Mapping[str, Any], value: Any, known: Known, path: str = "") -> list[str]:
    """A sentence for each problem in a value that has the form of the schema, beginning with its path."""
    found: list[str] = []

    def visit(text: str, mark: Mapping[str, Any], where: str) -> None:
        found.extend(f"'{where}': {problem}" for problem in _problems(text, mark, known))

    _walk(schema, value, visit, path)
    return found


def marked_texts(schema: Mapping[str, Any], value: Any, mark: str) -> list[tuple[str, Any, str]]:
    """The texts in a value that have this mark, each with its path and the mark's own value."""
    found: list[tuple[str, Any, str]] = []

    def visit(text: str, schema: Mapping[str, Any], where: str) -> None:
        found.append((where, schema[mark], text))

    _walk(schema, value, visit, marks=(mark,))
    return found


def replaced_texts(
    schema: Mapping[str, Any], value: Any, mark: str, replace: Callable[[Any, str], Any]
) -> Any:
    """The value with what `replace` returns, for the mark's own value and the text, instead of each text with this mark."""
    return _walk(schema, value, lambda text, schema, where: replace(schema[mark], text), marks=(mark,))


def resolved(schema: Mapping[str, Any], value: Any, names: Mapping[str, Any]) -> Any:
    """The value with what its expressions and templates stand for. Raises ExpressionError."""
    templates: list[Template] = []

    def parse(text: str, mark: Mapping[str, Any], where: str) -> None:
        templates.append(Template.whole(text) if EXPRESSION in mark else Template.parse(text))

    _walk(schema, value, parse)
    values = iter(evaluate_all([one for template in templates for one in template.expressions], names))
    remaining = iter(templates)

    def fill(text: str, mark: Mapping[str, Any], where: str) -> Any:
        template = next(remaining)
        if EXPRESSION in mark:
            return next(values)
        return _address(template, values) if mark[TEMPLATE] == URL else template.filled(values)

    return _walk(schema, value, fill)


def _problems(text: str, mark: Mapping[str, Any], known: Known) -> list[str]:
    if EXPRESSION in mark:
        return check(text, known)
    found = check_template(text, known)
    if (
        not found
        and mark[TEMPLATE] == URL
        and OPEN in text
        and not text.startswith("/")
        and not _HOST.match(text)
    ):
        return ["The address begins with https:// and its host, in which there are no expressions."]
    return found


def _address(template: Template, values: Iterator[Any]) -> str:
    """Raises ExpressionError for a value that would lead out of its part of the path."""
    address = template.filled(values, lambda text: quote(text, safe=""))
    if any(unquote(segment) in (".", "..") for segment in urlsplit(address).path.split("/")):
        raise ExpressionError(
            "expression_invalid", reason="a value makes '.' or '..' in the path of an address"
        )
    return address


def _walk(
    schema: Mapping[str, Any],
    value: Any,
    visit: _Visit,
    path: str = "",
    marks: Collection[str] = (EXPRESSION, TEMPLATE),
) -> Any:
    """The value with what `visit` returns for its texts that have one of the marks, in their order."""
    if isinstance(value, str):
        return visit(value, schema, path) if schema.keys() & marks else value
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        return {
            key: _walk(known.get(key, others), item, visit, f"{path}.{key}".lstrip("."), marks)
            for key, item in value.items()
        }
    if isinstance(value, list):
        items = schema.get("items", {})
        return [_walk(items, item, visit, f"{path}.{at}".lstrip("."), marks) for at, item in enumerate(value)]
    return value
