"""What events keep of long values: the beginning, the length, and a digest that shows whether a given value is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from itertools import islice
from typing import Any

from core.json_values import json_text

EXCERPT_LENGTH, MAX_ITEMS = 1000, 1000


def shortened_payload(payload: dict[str, Any], whole: Collection[str] = ()) -> dict[str, Any]:
    """The payload with its long values shortened, except those of the fields `whole` in `new`."""
    kept = {
        name: value
        for name, value in (payload.get("new") or {}).items()
        if name in whole and isinstance(value, str)
    }
    shorter = {name: _shortened_items(value) for name, value in payload.items()}
    return {**shorter, "new": {**shorter["new"], **kept}} if kept else shorter


def _shortened_items(value: Any) -> Any:
    """An object keeps its names, and a list its items: at most `MAX_ITEMS` of either."""
    if not isinstance(value, dict | list):
        return _shortened(value)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    first = {name: _shortened(one) for name, one in islice(items, MAX_ITEMS)}
    kept = first if isinstance(value, dict) else [*first.values()]
    if len(value) <= MAX_ITEMS:
        return kept
    return {"first": kept, "count": len(value), "sha256": _digest(json_text(value))}


def _shortened(value: Any) -> Any:
    if isinstance(value, list):
        return _shortened_items(value)
    text = json_text(value) if isinstance(value, dict) else value
    if not isinstance(text, str) or len(text) <= EXCERPT_LENGTH:
        return value
    return {"excerpt": text[:EXCERPT_LENGTH], "characters": len(text), "sha256": _digest(text)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
