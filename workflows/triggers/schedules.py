"""When a schedule ticks: cron in a time zone. A tick at a local time that the clock skips comes when the clock has moved on,
and one at a time that comes twice comes once, except where the hours are given as `*`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

# A tick that is worked on later than this was missed.
GRACE = timedelta(minutes=5)
SHOWN = 5


def next_tick(config: Mapping[str, Any], after: datetime) -> datetime | None:
    """The first tick after a time, in UTC; None if there is none within the next fifty years."""
    tick = next(_ticks(config, after), None)
    return tick.astimezone(UTC) if tick else None


def upcoming(config: Mapping[str, Any], after: datetime) -> list[str]:
    """The next ticks, as people of the time zone write them."""
    return [f"{tick:%a %-d %b %Y, %H:%M} {tick.tzname()}" for tick in islice(_ticks(config, after), SHOWN)]


def _ticks(config: Mapping[str, Any], after: datetime) -> Iterator[datetime]:
    return CronSim(config["cron"], after.astimezone(ZoneInfo(config["timezone"])))


def cron_problem(cron: str, timezone: str) -> str:
    """What is wrong with a schedule, or "". The zone is one that there is."""
    try:
        tick = next_tick({"cron": cron, "timezone": timezone}, datetime.now(UTC))
    except CronSimError as error:
        return f"'cron' is not as cron writes it: {error}. An example, each Monday at 8:00: 0 8 * * 1"
    if tick is None:
        return "'cron' never comes. Give a day that there is."
    return "" if len(cron.split()) == 5 else "'cron' has five fields, without seconds."
