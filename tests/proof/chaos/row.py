"""A row of a report, with its target, and whether it is met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    measured: object
    target: str = ""
    holds: bool = True

    def as_json(self) -> dict[str, Any]:
        return {"What": self.what, "Measured": str(self.measured), "Target": self.target}


def none(what: str, value: object) -> Row:
    """A row for a number that should be 0, or a list that should be empty."""
    number = len(value) if isinstance(value, list) else value
    return Row(what, number, "0", not number)
