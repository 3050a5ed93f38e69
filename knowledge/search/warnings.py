"""What a search says to people beside its hits."""

from __future__ import annotations

from collections.abc import Callable

Warn = Callable[[str], None]


def ignore(warning: str) -> None:
    """For callers that show no warnings."""
