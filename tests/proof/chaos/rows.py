"""The results as rows of a report, each with its target, and whether it is met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.conf import settings

from core.retry_policies import DEFAULT_RETRY
from tests.proof.chaos import state, verdict
from tests.proof.chaos.events import read
from tests.proof.chaos.row import Row, none
from tests.proof.chaos.run import Outcome
from tests.proof.chaos.scale import Scale

RECOVERY_SECONDS = 90


def rows(outcome: Outcome, scale: Scale) -> list[Row]:
    events = read(outcome.events)
    return [
        *_faults(outcome, events, scale),
        *_operations(outcome),
        *_documents(outcome, scale),
        *_stores(outcome),
        *_recovery(outcome, events, scale),
    ]


def _faults(outcome: Outcome, events: list[verdict.Event], scale: Scale) -> Iterator[Row]:
    faults = outcome.faults
    yield Row("Processes killed with SIGKILL", faults.kills, f"≥ {scale.kills}", faults.kills >= scale.kills)
    deaths = list(verdict.deaths(events))
    yield Row("… workers, while they held jobs", sum(bool(death.held) for death in deaths))
    steps = verdict.steps_with_deaths(events, outcome.steps)
    yield Row("… at steps of a worker, before and after each", f"{len(steps)} of {len(outcome.steps)}")
    done = ", ".join(f"{fault} {number}" for fault, number in sorted(faults.done.items()))
    yield Row("Struck", done, "", not faults.done["worker ended by itself"])


def _operations(outcome: Outcome) -> Iterator[Row]:
    done = ", ".join(f"{action} {number}" for action, number in sorted(outcome.users.done.items()))
    yield Row("What people did meanwhile", done)
    searcher = outcome.searcher
    yield Row("Searches meanwhile, and their hits", f"{searcher.searches:,}, {searcher.hits:,}")
    yield none("… that found what was deleted, or a text that was never uploaded", searcher.wrong)
    log = "".join(path.read_text() for path in sorted(settings.LAYOUT.logs.glob("postgres.log*")))
    yield none("Deadlocks", log.count("deadlock detected"))


def _documents(outcome: Outcome, scale: Scale) -> Iterator[Row]:
    states = state.states(outcome.tenant_id)
    counts = Counter(states[name].status for name in outcome.expected.keys() & states.keys())
    healthy = scale.documents - scale.poison
    target = f"{healthy} done, {scale.poison} failed"
    measured = f"{counts['done']} done, {counts['error']} failed"
    yield Row(
        f"{scale.documents} documents, {scale.poison} of which kill their worker",
        measured,
        target,
        measured == target,
    )
    yield Row("… brought into error by five deaths in a row, mended by Retry", outcome.retried)
    attempts = state.max_attempts(outcome.tenant_id)
    yield Row(
        "… attempts at one file, at most",
        attempts,
        f"≤ {DEFAULT_RETRY.attempts}",
        attempts <= DEFAULT_RETRY.attempts,
    )
    yield none("… stuck", outcome.stuck)
    differences = verdict.differences(outcome.expected, outcome.undisturbed, states)
    yield none("… lost", differences["lost"])
    yield none("… there although deleted", differences["unwanted"])
    yield none("… in another state than an undisturbed run leaves them in", differences["state"])
    yield none("… with other texts than an undisturbed run gives them", differences["texts"])


def _stores(outcome: Outcome) -> Iterator[Row]:
    chunks, points = state.chunks(outcome.tenant_id), state.points(outcome.tenant_id)
    yield Row("Passages in the end", f"{len(chunks):,}")
    yield none(
        "… doubled, of an older generation or a deleted document", state.doubled_chunks(outcome.tenant_id)
    )
    yield none(
        "… whose point is missing or doubled", len(set(chunks) - set(points)) + len(points) - len(set(points))
    )
    first, second = outcome.findings
    counts = ", ".join(f"{number} {kind}" for kind, number in sorted(first.counts.items())) or "nothing"
    yield Row("`reconcile --repair` found", counts)
    yield none("… and once more", sum(second.counts.values()))
    yield none("Orphaned points after it", len(set(points) - set(chunks)))


def _recovery(outcome: Outcome, events: list[verdict.Event], scale: Scale) -> Iterator[Row]:
    """The target only applies with the product's own lease: the small run's is short, and its machine busy."""
    times = verdict.recoveries(outcome.tenant_id, events)
    median, p99 = verdict.percentile(times, 0.5), verdict.percentile(times, 0.99)
    measured = f"{median:.0f}, {p99:.0f}, {times[-1]:.0f}" if times else "none"
    yield Row("Jobs whose worker died", len(times))
    target = f"p99 ≤ {RECOVERY_SECONDS}"
    holds = p99 <= RECOVERY_SECONDS or bool(scale.lease)
    yield Row("… seconds with all services there until they go on: p50, p99, most", measured, target, holds)
