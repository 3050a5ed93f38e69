"""The filter language of all doors: comparisons of metadata and of documents' own fields, and "and", "or", "not" of these.

`parse_filter` reads the form of OpenAI's clients, {"type": "gte", "key": "year", "value": 2026}; `parse_values` the short
one, {"year": {"gte": 2026}}. Both make the same expressions; docs/search.md has the grammar.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from core.json_values import why_not_storable
from knowledge.errors import FilterInvalidError
from knowledge.search.phrases import fold

MAX_DEPTH, MAX_ITEMS = 8, 100
GROUPS = ("and", "or", "not")


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NIN = "nin"
    EXISTS = "exists"
    CONTAINS = "contains"


class DocumentField(StrEnum):
    """What every document has, whatever its metadata."""

    FILENAME = "filename"
    EXTERNAL_ID = "external_id"
    TYPE = "type"
    WORKSPACE = "workspace"
    TAG = "tag"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


RANGES = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
LISTS = (Operator.IN, Operator.NIN)
NEGATED = {Operator.NE: Operator.EQ, Operator.NIN: Operator.IN}
_NAMES = (Operator.EQ, Operator.NE, *LISTS)
_TIMES = (DocumentField.CREATED_AT, DocumentField.UPDATED_AT)
_TEXTS = (DocumentField.FILENAME, DocumentField.EXTERNAL_ID)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of a key of the metadata, or of one of the document's own fields."""

    operator: Operator
    key: str | DocumentField
    value: Any


@dataclass(frozen=True, slots=True)
class Group:
    """All, any or none of one or more expressions hold."""

    operator: Literal["and", "or", "not"]
    parts: tuple[Expression, ...]


Expression = Comparison | Group


def parse_filter(data: Any, depth: int = 1) -> Expression:
    """Raises FilterInvalidError. "ne" and "nin" also hold where there is no such key."""
    if not isinstance(data, dict):
        raise FilterInvalidError('A filter is an object, as in {"type": "eq", "key": "year", "value": 2026}.')
    if data.get("type") in [*Operator]:
        return _parse_comparison(data)
    if data.get("type") not in GROUPS:
        raise FilterInvalidError(f"A filter's type is one of {', '.join((*Operator, *GROUPS))}.")
    parts = data.get("filters")
    _refuse_others(data, "filters")
    if not isinstance(parts, list) or not 0 < len(parts) <= MAX_ITEMS:
        raise FilterInvalidError(f"'{data['type']}' needs 1 to {MAX_ITEMS} filters under 'filters'.")
    if depth > MAX_DEPTH:
        raise FilterInvalidError(f"Filters may be nested {MAX_DEPTH} deep.")
    return Group(data["type"], tuple(parse_filter(part, depth + 1) for part in parts))


def parse_filter_text(text: str) -> Expression:
    """Of a filter in JSON, as people write it. Raises FilterInvalidError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FilterInvalidError(f"This filter is not JSON: {error}.") from None
    return parse_filter(data)


def comparisons_in(expression: Expression) -> int:
    return 1 if isinstance(expression, Comparison) else sum(map(comparisons_in, expression.parts))


def parse_values(values: Mapping[str, Any]) -> tuple[Expression, ...]:
    """Of {key: value}: a scalar must be equal, a list means any of its items, and an object has comparisons that must all
    hold, as in {"gte": 2024, "ne": 2026}. Raises FilterInvalidError."""
    return tuple(
        comparison(Operator(operator), key, value)
        for key, given in values.items()
        for operator, value in _comparisons(key, given).items()
    )


def comparison(operator: Operator, key: str | DocumentField, value: Any) -> Comparison:
    """Raises FilterInvalidError."""
    _check_value(operator, value)
    for one in (key, *(value if isinstance(value, list) else [value])):
        if why := why_not_storable(one):
            raise FilterInvalidError(f"{why}, and no document has such.")
    if isinstance(key, DocumentField):
        allowed = RANGES if key in _TIMES else (*_NAMES, Operator.CONTAINS) if key in _TEXTS else _NAMES
        if operator not in allowed:
            raise FilterInvalidError(f"'{key}' is compared by {', '.join(allowed)}, not by '{operator}'.")
        if not all(isinstance(one, str) for one in (value if isinstance(value, list) else [value])):
            raise FilterInvalidError(f"'{key}' is compared with texts.")
    elif operator in RANGES and ('"' in key or "\\" in key):
        raise FilterInvalidError(f"A range needs a metadata key without quotes or backslashes, not {key!r}.")
    return Comparison(operator, key, value)


def parse_time(value: object) -> datetime | None:
    """Of a date or a time in ISO 8601, in UTC where it says nothing else; None if it is neither."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return time and (time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _comparisons(key: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {Operator.IN if isinstance(given, list) else Operator.EQ: given}
    if not given or (unknown := sorted(set(given) - {*Operator})):
        named = f", not {unknown[0]!r}" if given else ""
        raise FilterInvalidError(f"'{key}' is compared by one or more of {', '.join(Operator)}{named}.")
    return given


def _parse_comparison(data: dict[str, Any]) -> Comparison:
    operator, key, field = Operator(data["type"]), data.get("key"), data.get("field")
    _refuse_others(data, "key", "field", "value")
    if "value" not in data:
        raise FilterInvalidError(f"'{operator}' needs what it compares with under 'value'.")
    if field is None:
        if not isinstance(key, str) or not key:
            raise FilterInvalidError(f"'{operator}' needs the name of an attribute under 'key'.")
        return comparison(operator, key, data.get("value"))
    if key is not None or field not in [*DocumentField]:
        raise FilterInvalidError(
            f"Give either 'key', or one of the document's own under 'field': {', '.join(DocumentField)}."
        )
    return comparison(operator, DocumentField(field), data.get("value"))


def _refuse_others(data: dict[str, Any], *known: str) -> None:
    if others := sorted(set(data) - {"type", *known}):
        raise FilterInvalidError(f"'{data['type']}' takes {', '.join(known)}, not '{others[0]}'.")


def _check_value(operator: Operator, value: Any) -> None:
    if operator in RANGES:
        if not _is_number(value) and parse_time(value) is None:
            raise FilterInvalidError(
                f"'{operator}' compares with a number, or with a date such as \"2026-01-31\", not with {value!r}."
            )
    elif operator is Operator.EXISTS:
        if not isinstance(value, bool):
            raise FilterInvalidError("'exists' takes true or false.")
    elif operator is Operator.CONTAINS:
        if not isinstance(value, str) or not fold(value).strip():
            raise FilterInvalidError("'contains' takes a text with a letter, a digit or a sign.")
    else:
        values = value if isinstance(value, list) else [value]
        if isinstance(value, list) is not (operator in LISTS) or len(values) > MAX_ITEMS:
            raise FilterInvalidError(
                f"'in' and 'nin' take a list of up to {MAX_ITEMS} values, the others one value."
            )
        if not all(one is None or isinstance(one, str | int | float) for one in values):
            raise FilterInvalidError("Values are compared with texts, numbers, true, false or null.")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
