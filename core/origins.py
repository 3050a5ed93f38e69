"""Origins, as browsers name them in a header."""

from __future__ import annotations

import re


def origin(text: str) -> str:
    """`*` is any. Raises ValueError."""
    if text != "*" and not re.fullmatch(r"https?://[^/\s]+", text):
        raise ValueError(f"{text!r} is no origin such as https://app.example.org")
    return text
