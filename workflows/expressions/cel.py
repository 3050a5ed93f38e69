"""The value of an expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflows.expressions.checking import ROOTS, step_keys
from workflows.expressions.errors import ExpressionError
from workflows.expressions.limits import MAX_LENGTH
from workflows.expressions.process import values
from workflows.expressions.tokens import tokens


def evaluate(source: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression that was checked, as JSON. `names` has values of JSON; "now" is an aware time, or one as
    text. Raises ExpressionError."""
    return evaluate_all([source], names)[0]


def evaluate_all(sources: Sequence[str], names: Mapping[str, Any]) -> list[Any]:
    """As `evaluate`, together. Raises ExpressionError."""
    if not sources:
        return []
    if any(len(source) > MAX_LENGTH for source in sources):
        raise ExpressionError("expression_invalid", reason=f"it has more than {MAX_LENGTH:,} characters")
    return values(sources, _named(sources, names))


def _named(sources: Sequence[str], names: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the data that the expressions name. A step that has not run has no output."""
    mentioned = {token.text for source in sources for token in tokens(source)}
    found = {name: names[name] for name in ROOTS if name in mentioned and name in names}
    if "steps" in found:
        keys = {key for source in sources for key in step_keys(source)}
        found["steps"] = {key: names["steps"].get(key, {}) for key in sorted(keys)}
    return found
