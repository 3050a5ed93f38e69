"""The tables in docs/workflows.md."""

from __future__ import annotations

from workflows.expressions.functions import CONVERSIONS, FUNCTIONS, MACROS


def functions() -> str:
    """The functions of expressions."""
    names = sorted(FUNCTIONS - MACROS - CONVERSIONS, key=str.lower)
    return "\n" + ", ".join(f"`{name}`" for name in names) + ".\n"
