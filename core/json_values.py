"""JSON that cannot be read, values that PostgreSQL cannot store, and the length of those that it can."""

from __future__ import annotations

import json
import math
import re
from typing import Any

INTEGERS = 2**63
JSON_LENGTH = 64_000
_UNUSABLE = re.compile("[\0\ud800-\udfff]")


def why_not_storable(value: Any) -> str:
    """The reason for one key or scalar; empty when it can be stored."""
    if isinstance(value, str) and _UNUSABLE.search(value):
        return "A text has a NUL character or half of a surrogate pair"
    if isinstance(value, float) and not math.isfinite(value):
        return "A number is too large"
    if isinstance(value, int) and not -INTEGERS <= value < INTEGERS:
        return "A whole number has more than 64 bits"
    return ""


def storable_text(text: str) -> str:
    return _UNUSABLE.sub("\ufffd", text)


def storable(value: Any) -> Any:
    """JSON of others, with U+FFFD and null for what PostgreSQL cannot store."""
    if isinstance(value, dict):
        return {storable_text(str(key)): storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable(one) for one in value]
    if isinstance(value, str):
        return storable_text(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(value: Any) -> str:
    """Compact JSON. `JSON_LENGTH` limits its length wherever people and programs send JSON of their own."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


class FormDecoder(json.JSONDecoder):
    """For fields of forms: also text that Python declines to read is no JSON to them, such as a number of 5,000 digits."""

    def decode(self, s: str, *args: Any) -> Any:
        try:
            return super().decode(s, *args)
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError(str(error), "", 0) from error
