"""The tables of error codes in docs/pipeline.md."""

from __future__ import annotations

import re

from core.error_codes import ERROR_CODES
from core.error_origins import Origin


def table(origin: Origin) -> str:
    """Return the origin's codes and sentences; values in sentences are written as `…`."""
    rows = ["| Code | What it says | Attempts | First wait |", "| --- | --- | --- | --- |"]
    for name, code in ERROR_CODES.items():
        if code.origin is origin:
            text = re.sub(r"\{[^}]+\}", "…", code.sentence)
            retry = code.retry
            wait = f"{retry.first_seconds:g} s" if retry else "–"
            rows.append(f"| `{name}` | {text} | {retry.attempts if retry else 1} | {wait} |")
    return "\n".join([*rows, ""])
