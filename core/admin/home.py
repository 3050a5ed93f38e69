"""The parts of the admin's first page, which apps provide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number with its label, which links to the list that it counts."""

    label: str
    count: int
    colour: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A titled box; `template` shows its `rows`."""

    title: str
    template: str
    rows: Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """The next thing to do; without a `link` another user has to do it."""

    sentence: str
    link: str = ""
    button: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """An app's part. Only the first app's next step is shown."""

    tiles: Sequence[Tile] = ()
    panels: Sequence[Panel] = ()
    next_step: NextStep | None = None
