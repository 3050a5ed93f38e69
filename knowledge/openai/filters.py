"""OpenAI's filters of attributes, in the language of the vector store."""

from __future__ import annotations

from typing import Any, Literal

from rest_framework import serializers

from engines.vectors import Combined, Condition, Matches

COMPOUND: dict[str, Literal["all", "any"]] = {"and": "all", "or": "any"}
RANGES = ("gt", "gte", "lt", "lte")
COMPARISONS = ("eq", "ne", *RANGES, "in", "nin")
DEEPEST, MOST = 8, 100


def condition_of(spec: Any, depth: int = 1) -> Condition:
    """Raises ValidationError. "ne" and "nin" hold, too, where there is no such attribute."""
    if not isinstance(spec, dict):
        raise _wrong('A filter is an object, as in {"type": "eq", "key": "year", "value": 2026}.')
    if spec.get("type") in COMPOUND:
        return _compound(spec, depth)
    if spec.get("type") in COMPARISONS:
        return _comparison(spec)
    raise _wrong(f"A filter's type is one of {', '.join((*COMPARISONS, *COMPOUND))}.")


def _compound(spec: dict[str, Any], depth: int) -> Condition:
    filters = spec.get("filters")
    if not isinstance(filters, list) or not 0 < len(filters) <= MOST:
        raise _wrong(f"'{spec['type']}' needs 1 to {MOST} filters under 'filters'.")
    if depth > DEEPEST:
        raise _wrong(f"Filters may be nested {DEEPEST} deep.")
    return Combined(COMPOUND[spec["type"]], tuple(condition_of(one, depth + 1) for one in filters))


def _comparison(spec: dict[str, Any]) -> Condition:
    how, key, value = spec["type"], spec.get("key"), spec.get("value")
    if not isinstance(key, str) or not key:
        raise _wrong(f"'{how}' needs the name of an attribute under 'key'.")
    if how in RANGES:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(f"'{how}' compares with a number, not with {value!r}.")
        return Matches(key, {how: value})
    wanted = value if isinstance(value, list) else [value]
    if isinstance(value, list) is not (how in ("in", "nin")) or len(wanted) > MOST:
        raise _wrong(f"'in' and 'nin' take a list of up to {MOST} values, the others one value.")
    if not all(isinstance(one, str | int | float) for one in wanted):
        raise _wrong("Attributes are compared with texts, numbers, true or false.")
    matches = Matches(key, wanted)
    return Combined("none", (matches,)) if how in ("ne", "nin") else matches


def _wrong(told: str) -> serializers.ValidationError:
    return serializers.ValidationError(told)
