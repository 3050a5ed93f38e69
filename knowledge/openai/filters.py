"""OpenAI's attribute filters as conditions of the vector store."""

from __future__ import annotations

from typing import Any, Literal

from rest_framework.serializers import ValidationError

from engines.vectors import Combined, Condition, Matches

COMPOUND: dict[str, Literal["all", "any"]] = {"and": "all", "or": "any"}
RANGES = ("gt", "gte", "lt", "lte")
COMPARISONS = ("eq", "ne", *RANGES, "in", "nin")
MAX_DEPTH, MAX_ITEMS = 8, 100


def parse_filter(data: Any, depth: int = 1) -> Condition:
    """Raises ValidationError. "ne" and "nin" also hold where there is no such attribute."""
    if not isinstance(data, dict):
        raise ValidationError('A filter is an object, as in {"type": "eq", "key": "year", "value": 2026}.')
    if data.get("type") in COMPARISONS:
        return _parse_comparison(data)
    if data.get("type") not in COMPOUND:
        raise ValidationError(f"A filter's type is one of {', '.join((*COMPARISONS, *COMPOUND))}.")
    filters = data.get("filters")
    if not isinstance(filters, list) or not 0 < len(filters) <= MAX_ITEMS:
        raise ValidationError(f"'{data['type']}' needs 1 to {MAX_ITEMS} filters under 'filters'.")
    if depth > MAX_DEPTH:
        raise ValidationError(f"Filters may be nested {MAX_DEPTH} deep.")
    return Combined(COMPOUND[data["type"]], tuple(parse_filter(item, depth + 1) for item in filters))


def _parse_comparison(data: dict[str, Any]) -> Condition:
    operator, key, value = data["type"], data.get("key"), data.get("value")
    if not isinstance(key, str) or not key:
        raise ValidationError(f"'{operator}' needs the name of an attribute under 'key'.")
    if operator in RANGES:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError(f"'{operator}' compares with a number, not with {value!r}.")
        return Matches(key, {operator: value})
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) is not (operator in ("in", "nin")) or len(values) > MAX_ITEMS:
        raise ValidationError(
            f"'in' and 'nin' take a list of up to {MAX_ITEMS} values, the others one value."
        )
    if not all(isinstance(scalar, str | int | float) for scalar in values):
        raise ValidationError("Attributes are compared with texts, numbers, true or false.")
    matches = Matches(key, values)
    return Combined("none", (matches,)) if operator in ("ne", "nin") else matches
