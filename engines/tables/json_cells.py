"""Values of DuckDB as values of JSON."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from core.json_values import INTEGERS, storable_text

_SHOWN = 60


def cell(value: Any) -> Any:
    """A number that JSON's readers do not hold exactly is a text."""
    found: Any
    match value:
        case None | bool():
            found = value
        case int():
            found = value if -INTEGERS <= value < INTEGERS else str(value)
        case float():
            found = value if math.isfinite(value) else None
        case Decimal():
            found = _number(value)
        case str():
            found = storable_text(value)
        case datetime() | date() | time():
            found = value.isoformat()
        case _:
            found = _nested(value)
    return found


def shown(value: Any) -> Any:
    """A short form, for examples and profiles."""
    found = cell(value)
    if isinstance(found, dict | list):
        found = str(found)
    return f"{found[: _SHOWN - 1]}…" if isinstance(found, str) and len(found) > _SHOWN else found


def _number(value: Decimal) -> float | int | str:
    if value == value.to_integral_value():
        whole = int(value)
        return whole if abs(whole) < INTEGERS else str(whole)
    return float(value) if Decimal(repr(float(value))) == value else format(value, "f")


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): cell(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [cell(one) for one in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, timedelta):
        return str(value)
    return storable_text(str(value))
