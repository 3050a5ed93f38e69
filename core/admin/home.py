"""The parts of the admin's first page, which apps provide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.json_values import json_text
from core.quota_kinds import today

# Numbers of rows are counted so far, because no page counts a large table.
MOST_COUNTED = 10_000
COLOURS = ("var(--color-primary-600)", "var(--color-base-400)", "#b45309")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number with its label, which leads to the list behind it, if there is one. `note` says more."""

    label: str
    count: int | str
    colour: str = "default"
    link: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A titled box; `template` shows its `rows`."""

    title: str
    template: str
    rows: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Figures of days or other times, the `labels`; `kind` is "bar" or "line". `rows` has them for those who read rather
    than look."""

    kind: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float]]
    heading: str = "Day"

    @property
    def data(self) -> str:
        """For the theme's charts."""
        datasets = [
            {
                "label": name,
                "data": list(values),
                "borderColor": colour,
                "backgroundColor": colour,
                "displayYAxis": True,
                "maxTicksXLimit": 7,
                "pointStyle": "circle" if len(self.labels) == 1 else False,
            }
            for (name, values), colour in zip(self.series.items(), COLOURS, strict=False)
        ]
        return json_text({"labels": self.labels, "datasets": datasets})

    @property
    def rows(self) -> list[tuple[str, ...]]:
        return list(zip(self.labels, *(map("{:,}".format, one) for one in self.series.values()), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """The next thing to do; without a `link` another user has to do it."""

    sentence: str
    link: str = ""
    button: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """An app's part, below its `title`; those with a smaller `place` come first. Only the first app's next step is shown."""

    title: str = ""
    place: int = 0
    tiles: Sequence[Tile] = ()
    panels: Sequence[Panel] = ()
    next_step: NextStep | None = None


def chart_panel(
    title: str, kind: str, figures: Mapping[date, Mapping[str, int]], names: Mapping[str, str]
) -> Panel:
    """A chart of {day: {key: figure}}, with the name of each key."""
    series = {name: [figures[day].get(key, 0) for day in figures] for key, name in names.items()}
    labels = [f"{day:%b} {day.day}" for day in figures]
    rows = Chart(kind=kind, labels=labels, series=series)
    return Panel(title=title, template="admin/home_chart.html", rows=rows)


def last_days(number: int) -> list[date]:
    """The last one is today, in UTC."""
    return [today() - timedelta(days=number - 1 - place) for place in range(number)]


def counted(number: int) -> int | str:
    """A number of which no more than `MOST_COUNTED` and one was counted."""
    return number if number <= MOST_COUNTED else f"{MOST_COUNTED:,}+"
