"""The REST API over a real socket: lists of a large tenant, searches, and what one tenant's flood costs another.

`python -m benchmarks.rest` takes some ten minutes on two quiet cores.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import uuid4

from django.conf import settings
from django.db.models import Model
from django.urls import reverse

from audit.services import record_each
from benchmarks import callers, data
from benchmarks.callers import Caller, Times
from benchmarks.reports import ROOT, BenchmarkReport
from benchmarks.synthetic_chunks import Maker, Place, settle, write, write_points, write_rows
from core.actors import Actor
from core.api.pagination import Cursor
from core.bulk_sql import insert_instances, insert_rows
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.permissions import key_scopes
from jobs.states import JobState
from knowledge.models import Document, IngestionJob, Reference, Stage, Tag, TagLink, TagSource
from knowledge.services.references import get_or_create_reference
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor
from oyl.embedded.up import application
from oyl.routes import ROUTES, router
from tenants.models import Tenant, User
from tenants.services import create_api_key, member_named
from tests.proof.isolation.parties import make_row

SEARCHED, LISTED, NEIGHBOUR, OTHERS = 100_000, 300_000, 3_000, 120
QUESTIONS, WARM_UP, LOOKS = 300, 30, 15
CLIENTS, SECONDS = (1, 4, 16), 10
SEARCH_P95, LIST_MS, RAISED = 45.0, 60.0, 1.3
# As OYL is set up unless told otherwise; a key's limit is reached before its tenant's.
LIMIT = 600
TIMES_THE_LIMIT, ASKS_EACH_SECOND, ASKS, ROUNDS = 20, 8, 100, 4


class Organisation(NamedTuple):
    """A tenant with a library, and a key for programmes."""

    actor: Actor
    reference: Reference
    key: str

    def caller(self) -> Caller:
        return Caller(ADDRESS, self.key)


ADDRESS = f"{settings.OYL_HOST}:{settings.OYL_PORT}"


def main() -> None:
    report, questions = BenchmarkReport(), data.questions()
    with instance.running():
        passages = Maker().passages()
        large, neighbour = _organisation(), _organisation()
        write(neighbour.actor.tenant_id, neighbour.reference.pk, passages, NEIGHBOUR)
        for places, some in _written(large, passages, SEARCHED):
            write_points(large.actor.tenant_id, large.reference.pk, places, some)
        settle(NEIGHBOUR + SEARCHED)
        with serving():
            measure_search(large, questions, report)
        for _ in _written(large, passages, LISTED - SEARCHED):
            pass
        _others(large)
        settle(NEIGHBOUR + SEARCHED)
        with serving():
            measure_lists(large, report)
        with serving(OYL_KEY_REQUESTS=str(LIMIT)):
            measure_fairness(large, neighbour, questions, report)
    report.save("rest")


@contextmanager
def serving(**limits: str) -> Iterator[None]:
    """The web process as `up` starts it."""
    web, _, _ = application()
    supervisor = Supervisor(ServiceLog(settings.LAYOUT.logs), lambda name, pid: None)
    with patch.dict(os.environ, limits):
        supervisor.start([web], timeout=60)
    try:
        yield
    finally:
        supervisor.stop()


def measure_search(organisation: Organisation, questions: Iterator[str], report: BenchmarkReport) -> None:
    clients = [organisation.caller() for _ in range(max(CLIENTS))]
    for question in islice(questions, WARM_UP):
        callers.search(clients[0], question)
    times = Times(callers.search(clients[0], question) for question in islice(questions, QUESTIONS))
    report.add(
        f"search, {SEARCHED:,} chunks, one client",
        f"p50 {times.p50:.1f} ms, p95 {times.p95:.1f} ms",
        f"p95 ≤ {SEARCH_P95:.0f} ms",
        met=times.p95 <= SEARCH_P95,
    )
    for count in CLIENTS:
        times = callers.search_together(clients[:count], questions, seconds=SECONDS)
        report.add(
            f"searches a second, {count} at a time", f"{len(times) / SECONDS:.0f}, p95 {times.p95:.1f} ms"
        )


def measure_lists(organisation: Organisation, report: BenchmarkReport) -> None:
    caller = organisation.caller()
    for name in sorted(_lists()):
        first, last = (_looked_at(caller, path) for path in (name, f"{name}?cursor={Cursor(backwards=True)}"))
        report.add(
            f"`{name.removeprefix('/api/v1/')}`, first and last page",
            f"{first:.1f} ms, {last:.1f} ms",
            f"≤ {LIST_MS:.0f} ms",
            met=max(first, last) <= LIST_MS,
        )


def _lists() -> list[str]:
    """Paths of what has pages."""
    views: Any = router.urls
    return [
        reverse(view.name)
        for view in views
        if "get" in view.callback.actions
        and not view.callback.initkwargs["detail"]
        and (view.callback.initkwargs.get("pagination_class") or view.callback.cls.pagination_class)
    ]


def _looked_at(caller: Caller, path: str) -> float:
    """The median of some requests, in milliseconds."""
    answers = [caller.get(path) for _ in range(LOOKS)]
    assert all(answer.status == 200 and json.loads(answer.body)["results"] for answer in answers), answers[0]
    return median(answer.ms for answer in answers)


def measure_fairness(
    noisy: Organisation, neighbour: Organisation, questions: Iterator[str], report: BenchmarkReport
) -> None:
    """They take turns, so that whatever else the machine does troubles both."""
    _paced(neighbour.caller(), questions)
    alone, beside, floods = [], [], []
    for _ in range(ROUNDS):
        alone.append(_paced(neighbour.caller(), questions).p95)
        with _flood(noisy) as told:
            beside.append(_paced(neighbour.caller(), questions).p95)
        floods.append(told)
    ratios = [more / less for more, less in zip(beside, alone, strict=True)]
    asked = median(sum(flood.values()) for flood in floods)
    answered = median(flood.get("200", 0.0) for flood in floods)
    report.add("search of another tenant alone", f"p95 {median(alone):.1f} ms")
    report.add(
        f"beside a tenant that asks {asked:.0f} times a second, and is answered {answered:.0f} times",
        f"p95 {median(beside):.1f} ms",
    )
    report.add(
        "that is",
        f"{median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} rounds)",
        f"≤ {RAISED} ×",
        met=median(ratios) <= RAISED,
    )


def _paced(caller: Caller, questions: Iterator[str]) -> Times:
    """Somebody who keeps to the limits."""
    times = Times()
    for question in islice(questions, ASKS):
        times.append(callers.search(caller, question))
        time.sleep(max(0.0, 1 / ASKS_EACH_SECOND - times[-1] / 1000))
    return times


@contextmanager
def _flood(noisy: Organisation) -> Iterator[dict[str, float]]:
    """From a process of its own; the block begins when the first burst, which is within the limit, is over. In the end it
    is known how many answers of each status there were in a second."""
    rate = LIMIT * TIMES_THE_LIMIT / 60
    command = (sys.executable, "-m", "benchmarks.callers", ADDRESS, noisy.key, str(rate))
    told: dict[str, float] = {}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        assert process.stdout and process.stdout.readline()
        yield told
        told |= json.loads(process.communicate()[0])


def _organisation() -> Organisation:
    actor = instance.new_tenant()
    owner = member_named(actor.tenant_id, None)
    made = create_api_key(actor=actor, name="Benchmark", scopes=key_scopes(), member=owner)
    reference = get_or_create_reference(actor=actor, workspace="Main", reference="Files")
    return Organisation(actor, reference, made.secret)


def _written(large: Organisation, passages: Any, count: int) -> Iterator[tuple[list[Place], Any]]:
    """Passages with what the pipeline writes beside them: jobs, links to a tag, events."""
    with tenant_scope(large.actor.tenant_id):
        tag, _ = Tag.objects.get_or_create(reference=large.reference, tag="all")
    for places, some in write_rows(large.actor.tenant_id, large.reference.pk, passages, count):
        with tenant_scope(large.actor.tenant_id):
            _write_beside(large, tag, places)
        yield places, some


def _write_beside(large: Organisation, tag: Tag, places: list[Place]) -> None:
    documents = [Document(pk=pk, reference=large.reference) for pk in dict.fromkeys(pk for pk, _ in places)]
    insert_instances([_job(document) for document in documents])
    insert_rows(TagLink, [_link(tag, chunk) for _, chunk in places])
    events: Any = [(document, large.reference.workspace_id, {}) for document in documents]
    record_each(actor=large.actor, action="document.indexed", events=events)


def _job(document: Document) -> IngestionJob:
    return IngestionJob(
        document=document, generation=1, state=JobState.DONE, stage=Stage.CLEAN, available_at="now"
    )


def _link(tag: Tag, chunk: Any) -> dict[str, Any]:
    facts = {"tag_id": tag.pk, "chunk_id": chunk, "source": TagSource.RULE, "confidence": 1}
    return {"id": new_id(), **facts, "actor_id": None}


def _others(organisation: Organisation) -> None:
    """So many of each model that has a list."""
    with tenant_scope(organisation.actor.tenant_id):
        tenant = Tenant.objects.get()
        for _ in range(OTHERS):
            word = f"zq{uuid4().hex[:10]}"
            user = User.objects.create(email=f"{word}@example.org")
            rows: dict[type[Model], Any] = {Tenant: tenant}
            for model in {view.model for view in ROUTES.values()}:
                make_row(model, user, word, rows)


if __name__ == "__main__":
    main()
