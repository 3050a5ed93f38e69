"""The straight lines that are drawn on a page."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """A line at `at`, from the top or from the left, which reaches from `start` to `end` the other way."""

    at: float
    start: float
    end: float


class Rules(NamedTuple):
    horizontal: list[Rule]
    vertical: list[Rule]


NO_RULES = Rules([], [])
