"""Texts with `{{ expression }}`, and nothing else: no statements, no filters, no includes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.json_values import json_text
from workflows.expressions.cel import evaluate_all
from workflows.expressions.checking import ANYTHING, Known, findings
from workflows.expressions.errors import ExpressionError
from workflows.expressions.limits import MAX_CHARACTERS, MAX_EXPRESSIONS, MAX_LENGTH
from workflows.expressions.tokens import place, tokens

OPEN, CLOSE = "{{", "}}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A text, or an expression, which begins at `start`."""

    text: str
    start: int
    is_expression: bool


@dataclass(frozen=True, slots=True)
class Template:
    parts: tuple[_Part, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises ExpressionError."""
        try:
            return cls(tuple(_parts(text)))
        except _NotClosed:
            raise ExpressionError("expression_invalid", reason=f"'{OPEN}' is not closed") from None

    @classmethod
    def whole(cls, expression: str) -> Template:
        return cls((_Part(expression, 0, is_expression=True),))

    @property
    def expressions(self) -> list[str]:
        return [part.text for part in self.parts if part.is_expression]

    def filled(self, values: Iterator[Any], escape: Callable[[str], str] = lambda text: text) -> str:
        """With the next values, one for each expression, to which `escape` is applied. Raises ExpressionError."""
        text = "".join(
            escape(as_text(next(values))) if part.is_expression else part.text for part in self.parts
        )
        if len(text) > MAX_CHARACTERS:
            raise ExpressionError("expression_too_large", limit=MAX_CHARACTERS)
        return text


class _NotClosed(Exception):
    """The position of a `{{` without its `}}`."""

    def __init__(self, position: int) -> None:
        self.position = position


def check_template(template: str, known: Known = ANYTHING) -> list[str]:
    """As `check`, with places in the template."""
    try:
        expressions = [part for part in _parts(template) if part.is_expression]
    except _NotClosed as error:
        return [
            f"{place(template, error.position)}: '{OPEN}' is not closed. Write an expression of at most {MAX_LENGTH:,} "
            f"characters and '{CLOSE}' after it; for the signs themselves, write {OPEN} '{OPEN}' {CLOSE}."
        ]
    if len(expressions) > MAX_EXPRESSIONS:
        return [f"A template has at most {MAX_EXPRESSIONS} expressions; this one has {len(expressions)}."]
    return [
        f"{place(template, part.start + position)}: {why}"
        for part in expressions
        for position, why in findings(part.text, known)
    ]


def render(template: str, names: Mapping[str, Any]) -> str:
    """The template, which was checked, with the values of its expressions as text: lists and objects as JSON, null as
    nothing. Raises ExpressionError."""
    parts = Template.parse(template)
    return parts.filled(iter(evaluate_all(parts.expressions, names)))


def as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json_text(value)


def _parts(template: str) -> Iterator[_Part]:
    """Raises _NotClosed."""
    position = 0
    while (opened := template.find(OPEN, position)) >= 0:
        start = opened + len(OPEN)
        end = _end_of_expression(template, start)
        yield _Part(template[position:opened], position, is_expression=False)
        yield _Part(template[start:end], start, is_expression=True)
        position = end + len(CLOSE)
    yield _Part(template[position:], position, is_expression=False)


def _end_of_expression(template: str, start: int) -> int:
    """Where its `}}` is: not in a string, and not the braces of maps. Raises _NotClosed."""
    depth, near = 0, template[start : start + MAX_LENGTH + len(CLOSE)]
    for token in tokens(near):
        if token.text == "{":
            depth += 1
        elif token.text == "}" and depth:
            depth -= 1
        elif token.text == "}" and near.startswith(CLOSE, token.start):
            return start + token.start
    raise _NotClosed(start - len(OPEN))
