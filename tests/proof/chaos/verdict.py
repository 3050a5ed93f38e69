"""Evaluation of a run, from the log of events and from the database."""

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
    """`held` are the jobs that the worker held: (id, attempt)."""

    at: float
    where: str
    held: tuple[tuple[str, int], ...]


def deaths(events: Sequence[Event]) -> Iterator[Death]:
    """A worker holds the jobs of its last claim, except those that it released."""
    held_by_pid = defaultdict[int, dict[str, int]](dict)
    for event in events:
        held = held_by_pid[event["pid"]]
        match event["event"]:
            case "claimed":
                held_by_pid[event["pid"]] = dict(event["jobs"])
            case "released":
                held.pop(event["job"], None)
            case "died":
                yield Death(event["at"], event["where"], tuple(held.items()))


def recoveries(tenant_id: UUID, events: Sequence[Event]) -> list[float]:
    """Return, for each job whose worker died, the seconds until another worker claimed it, or it was ended, in ascending
    order. Seconds in which a service was stopped or suspended do not count."""
    claims = {(job, attempt): event["at"] for event in events for job, attempt in event.get("jobs", ())}
    with tenant_scope(tenant_id):
        rows = IngestionJob.objects.values_list("pk", "attempt", "finished_at")
        ended = {(str(pk), attempt): at.timestamp() for pk, attempt, at in rows if at}
    recovery_seconds = []
    for death in deaths(events):
        for job, attempt in death.held:
            recovered_at = claims.get((job, attempt + 1)) or ended.get((job, attempt), 0)
            if recovered_at > death.at:
                downtime = _downtime(events, death.at, recovered_at)
                recovery_seconds.append(recovered_at - death.at - downtime)
    return sorted(recovery_seconds)


def _downtime(events: Sequence[Event], since: float, until: float) -> float:
    """Return for how many seconds of this period a service was stopped or suspended."""
    spans: list[tuple[float, float]] = [
        (event["since"], event["at"]) for event in events if event["event"] == "downtime"
    ]
    return sum(max(0.0, min(end, until) - max(start, since)) for start, end in spans)


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the nearest-rank percentile of sorted values."""
    return values[max(0, math.ceil(len(values) * fraction) - 1)] if values else math.inf


def steps_with_deaths(events: Iterable[Event], steps: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    places = {event["where"] for event in events if event["event"] == "died"}
    return {(side, step) for side, step in steps if f"{side} {step}" in places}


def differences(
    expected: Mapping[str, Content], undisturbed: Mapping[str, State], actual: Mapping[str, State]
) -> Counter[str]:
    """Count the documents that are lost, or should not exist, or have another state or other texts than after an
    undisturbed run with the same bytes, in which documents are named after their content's key."""
    states = {
        name + suffix: state
        for name, content in expected.items()
        for suffix, state in _expected_states(content, undisturbed).items()
    }
    counts = Counter[str](lost=0, unwanted=0, state=0, texts=0)
    counts["lost"] = len(states.keys() - actual.keys())
    counts["unwanted"] = len(actual.keys() - states.keys())
    for name in states.keys() & actual.keys():
        before, after = states[name], actual[name]
        counts["state"] += (before.status, before.code) != (after.status, after.code)
        counts["texts"] += before.texts != after.texts
    return counts


def _expected_states(content: Content, undisturbed: Mapping[str, State]) -> dict[str, State]:
    """Return the document's own state by "", and those of its members by "/" and their path."""
    if content.path.read_bytes().startswith(POISON):
        return {"": State("error", "worker_died", ())}
    members = {
        name.removeprefix(content.key): state
        for name, state in undisturbed.items()
        if name.startswith(f"{content.key}/")
    }
    return {"": undisturbed[content.key], **members}
