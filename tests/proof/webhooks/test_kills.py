"""Processes that change documents, seal the audit log and send webhooks are killed again and again: each change that was
committed is received, in the order of the audit log, and nothing else is."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from audit.models import AuditSeal
from audit.sealing import seal
from core.isolation.scope import tenant_scope
from jobs.states import JobState
from jobs.worker import work
from knowledge.models import Document
from tests.conftest import Person
from tests.knowledge.libraries import make_library
from tests.proof import killable
from tests.proof.conftest import Report, Size
from tests.webhooks.conftest import Line, service, subscribe
from tests.workflows.conftest import ServiceServer
from webhooks.models import WebhookDelivery
from webhooks.sending import DeliveryHandler
from workflows.steps import http_request

__all__ = ["service"]
SEED, SECONDS = 2026, 8.0
# The receiver loses some of what it takes: it answers, and the answer counts as lost.
LOST = 0.1


def change(line: Line) -> None:
    """Add documents one after another; each second one is rolled back."""
    for number in range(10_000):
        name = f"{uuid4().hex}.md"
        try:
            with tenant_scope(line.tenant_id):
                line.library.queue(line.library.upload(name, f"# {name}\n"))
                if number % 2:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            continue


def seal_always(line: Line) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        seal(line.tenant_id)


def send_always(line: Line) -> None:
    http_request._client.cache_clear()  # the parent's connections are not the child's
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if not work(DeliveryHandler(), line.tenant_id):
            time.sleep(0.01)


def one_round(line: Line, chance: random.Random) -> int:
    """Returns the number of processes that were killed."""
    roles: list[Callable[[Line], None]] = [change, seal_always, send_always, send_always]
    processes = [killable.start(lambda role=role: role(line)) for role in roles]  # type: ignore[misc]
    killed = 0
    for process in chance.sample(processes, len(processes)):
        time.sleep(chance.uniform(0.05, 0.4))
        killed += process.kill()
    return killed


def end_leases(line: Line) -> None:
    with tenant_scope(line.tenant_id):
        rows = WebhookDelivery.objects.filter(state__in=[JobState.RUNNING, JobState.QUEUED])
        rows.update(available_at="2020-01-01T00:00Z")


def test_kills_lose_nothing_invent_nothing_and_keep_the_order(
    owner: Person, tmp_path: Path, service: ServiceServer, size: Size, report: Report
) -> None:
    line = subscribe(make_library(owner, tmp_path), service, events_json=["documents.added"])
    chance, killed, rounds = random.Random(SEED), 0, size(6, 250)
    for _ in range(rounds):
        service.response = (500 if chance.random() < LOST else 200, {}, b"")
        killed += one_round(line, chance)
        end_leases(line)
    service.response = (200, {}, b"")
    drain(line)
    received = [json.loads(body)["data"] for _, _, _, body in service.requests]
    check(line, received)
    distinct = {one["id"] for one in received}
    report("webhooks", figures(rounds, killed, len(received), len(distinct)))
    assert len(distinct) >= rounds


def drain(line: Line) -> None:
    end = time.monotonic() + 120
    seal(line.tenant_id)
    while time.monotonic() < end and any(one.state != JobState.DONE for one in line.deliveries()):
        end_leases(line)
        line.deliver()


def check(line: Line, received: list[dict[str, Any]]) -> None:
    with tenant_scope(line.tenant_id):
        documents = {str(pk) for pk in Document.objects.values_list("pk", flat=True)}
        added = AuditSeal.objects.filter(audit_log__action="documents.added").order_by("sequence")
        numbers = [*added.values_list("sequence", flat=True)]
    first_times = list(dict.fromkeys(one["id"] for one in received))
    assert first_times == numbers, "each once at least, and in the order of the audit log"
    assert {pk for one in received for pk in one["documents"]} == documents, "what was committed, and no more"


def figures(rounds: int, killed: int, received: int, distinct: int) -> list[dict[str, str]]:
    measured = {
        "rounds": rounds,
        "processes killed": killed,
        "changes that were committed, all received in their order": distinct,
        "messages that came again": received - distinct,
    }
    return [{"What": what, "Measured": str(value), "Target": "–"} for what, value in measured.items()]
