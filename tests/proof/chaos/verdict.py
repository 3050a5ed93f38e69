"""What the run has shown, from the log of events and from what the stores hold."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.isolation.scope import tenant_scope
from knowledge.models import IngestionJob
from tests.proof.chaos.corpus import POISON, Content
from tests.proof.chaos.state import State

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Death:
    """A worker's end, and the jobs that it held: (id, attempt)."""

    at: float
    where: str
    held: tuple[tuple[str, int], ...]


def deaths(events: Sequence[Event]) -> Iterator[Death]:
    """What a worker holds is its last claim, less what it let go of itself."""
    held = defaultdict[int, dict[str, int]](dict)
    for event in events:
        mine = held[event["pid"]]
        match event["event"]:
            case "claimed":
                held[event["pid"]] = dict(event["jobs"])
            case "released":
                mine.pop(event["job"], None)
            case "died":
                yield Death(event["at"], event["where"], tuple(mine.items()))


def recoveries(tenant_id: UUID, events: Sequence[Event]) -> list[float]:
    """For each job whose worker died: seconds until another worker had it, or it was ended. Those in which a service
    was stopped or hung do not count."""
    claims = {(job, attempt): event["at"] for event in events for job, attempt in event.get("jobs", ())}
    with tenant_scope(tenant_id):
        rows = IngestionJob.objects.values_list("pk", "attempt", "finished_at")
        ended = {(str(pk), attempt): at.timestamp() for pk, attempt, at in rows if at}
    found = []
    for death in deaths(events):
        for job, attempt in death.held:
            again = claims.get((job, attempt + 1)) or ended.get((job, attempt), 0)
            if again > death.at:
                found.append(again - death.at - _away(events, death.at, again))
    return sorted(found)


def _away(events: Sequence[Event], since: float, until: float) -> float:
    """Seconds of a span in which a service was away."""
    spans: list[tuple[float, float]] = [
        (event["since"], event["at"]) for event in events if event["event"] == "away"
    ]
    return sum(max(0.0, min(end, until) - max(begin, since)) for begin, end in spans)


def percentile(values: Sequence[float], part: float) -> float:
    """Of sorted values; the next higher one."""
    return values[max(0, math.ceil(len(values) * part) - 1)] if values else math.inf


def steps_struck(events: Iterable[Event], steps: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    wheres = {event["where"] for event in events if event["event"] == "died"}
    return {(side, step) for side, step in steps if f"{side} {step}" in wheres}


def differences(
    expected: Mapping[str, Content], undisturbed: Mapping[str, State], found: Mapping[str, State]
) -> Counter[str]:
    """Documents that are lost, or should not be there, or have another state or other texts than an undisturbed
    run of the same bytes gives, whose documents are named by their content's key."""
    wanted = {
        name + rest: state
        for name, content in expected.items()
        for rest, state in _of_content(content, undisturbed).items()
    }
    counts = Counter[str](lost=0, unwanted=0, state=0, texts=0)
    counts["lost"] = len(wanted.keys() - found.keys())
    counts["unwanted"] = len(found.keys() - wanted.keys())
    for name in wanted.keys() & found.keys():
        counts["state"] += (wanted[name].status, wanted[name].code) != (found[name].status, found[name].code)
        counts["texts"] += wanted[name].texts != found[name].texts
    return counts


def _of_content(content: Content, undisturbed: Mapping[str, State]) -> dict[str, State]:
    """The document's own state under "", those of what is inside it under "/" and their place."""
    if content.path.read_bytes().startswith(POISON):
        return {"": State("error", "worker_died", ())}
    inside = {
        name.removeprefix(content.key): state
        for name, state in undisturbed.items()
        if name.startswith(f"{content.key}/")
    }
    return {"": undisturbed[content.key], **inside}
