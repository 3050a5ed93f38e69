"""The values of fields, as they stand in texts: amounts and dates of several countries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

# {type: the types of JSON by which a chat model may give it}
TYPES: Mapping[str, Sequence[str]] = {
    "text": ("string", "null"),
    "number": ("number", "string", "null"),
    "integer": ("integer", "string", "null"),
    "boolean": ("boolean", "null"),
    "date": ("string", "null"),
}
_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%d %B %Y",
    "%d %b %Y",
    "%B %d %Y",
    "%b %d %Y",
    "%d. %B %Y",
)
_NUMBER = re.compile(r"-?\d[\d.,'’ \u00a0\u202f]*")
_TRUE, _FALSE = {"true", "yes", "1", "x", "ja", "oui", "si", "sí"}, {"false", "no", "0", "", "nein", "non"}
MAX_LENGTH = 10_000


def read(value: Any, kind: str) -> Any:
    """The value as JSON of its type; None if it is none. Dates become 2026-03-01."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if kind in ("number", "integer"):
        number = (
            value if isinstance(value, int | float) and not isinstance(value, bool) else _number(str(value))
        )
        return round(number) if number is not None and kind == "integer" else number
    if kind == "boolean":
        word = str(value).strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return _date(str(value)) if kind == "date" else str(value)[:MAX_LENGTH]


def _number(text: str) -> float | None:
    """The last sign decides: of 1.234,50 it is the comma. A single comma or point before exactly three digits groups
    thousands in 1,234 and 1.234.567; 1.234 alone is a number with three decimals."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    digits = re.sub(r"['’\s\u00a0\u202f]", "", found[0]).rstrip(".,")
    decimal = max(digits.rfind("."), digits.rfind(","))
    sign = digits[decimal] if decimal >= 0 else ""
    groups = sign and (
        digits.count(sign) > 1 or (sign == "," and len(digits) - decimal == 4 and "." not in digits)
    )
    whole = re.sub("[.,]", "", digits if groups or not sign else digits[:decimal])
    rest = "" if groups or not sign else digits[decimal + 1 :]
    return float(f"{whole}.{rest or 0}")


def _date(text: str) -> str | None:
    cleaned = re.sub(r"(?<=\d)(st|nd|rd|th)\b|,", "", " ".join(text.split()))
    for form in _DATES:
        try:
            return datetime.strptime(cleaned, form).date().isoformat()
        except ValueError:
            continue
    return cleaned[:10] if re.match(r"\d{4}-\d\d-\d\dT", cleaned) else None
