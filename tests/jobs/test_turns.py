"""No tenant's jobs keep all threads of a worker busy while another tenant waits."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from core.isolation.scope import tenant_scope
from engines.child_processes import die_with_parent
from jobs import queue, worker
from jobs.turns import Turns
from jobs.worker import work_for_any_tenant
from knowledge import queueing
from knowledge.engine_config import default_embedder
from knowledge.ingestion.handler import IngestionHandler
from knowledge.models import DocumentStatus, IngestionJob
from oyl.celery import app
from tests.conftest import make_owner
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, make_library
from tests.proof import killable

LONG_TEXT = "\n\n".join(f"# Part {n}\n\n{BEES * 10}" for n in range(800))
Served = list[UUID]
WORKERS, THREADS = 2, 4


@pytest.fixture
def libraries(database: None, tmp_path: Path) -> tuple[Library, Library]:
    """Of two tenants."""
    first, second = (make_library(make_owner(), tmp_path / name) for name in ("first", "second"))
    return first, second


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, libraries: tuple[Library, Library]) -> Served:
    """The tenants in the order of their batches, which have one job each. Jobs that other tests have left do not count."""
    order: Served = []
    ours = {library.tenant_id for library in libraries}
    due = queue.tenants_with_due_jobs

    def claimed(handler: Any, tenant_id: UUID) -> list[Any]:
        batch = queue.claim(handler, tenant_id)
        order.extend([tenant_id] * len(batch))
        return batch

    monkeypatch.setattr(IngestionHandler, "claim_limit", 1)
    monkeypatch.setattr(worker, "claim", claimed)
    monkeypatch.setattr(
        worker, "tenants_with_due_jobs", lambda of: [one for one in due(of) if one[1] in ours]
    )
    return order


def use_threads(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    own = Turns(count)
    for module in (queue, worker):
        monkeypatch.setattr(module, "turns", lambda: own)


def test_one_thread_alternates(
    libraries: tuple[Library, Library], served: Served, monkeypatch: pytest.MonkeyPatch
):
    use_threads(monkeypatch, 1)
    first, second = libraries
    first.queue(*(first.upload(f"{n}.md", f"{BEES}{n}") for n in range(5)))
    second.queue(*(second.upload(f"{n}.md", f"{BEES}{n}") for n in range(3)))
    while work_for_any_tenant("ingest"):
        pass
    assert len(served) == 8
    assert all(one != other for one, other in pairwise(served[:6]))
    assert {document.processed_status for document in first.documents().values()} == {DocumentStatus.DONE}


def test_tenant_with_the_fewest_leases_is_served_first(libraries: tuple[Library, Library]):
    """A lease covers all jobs of a batch."""
    first, second = libraries
    first.queue(*(first.upload(f"{n}.md", BEES) for n in range(4)))
    second.queue(second.upload("a.md", BEES), second.upload("b.md", BEES))
    ours = {first.tenant_id, second.tenant_id}

    def order() -> list[UUID]:
        handlers = [IngestionHandler()]
        return [tenant_id for _, tenant_id in queue.tenants_with_due_jobs(handlers) if tenant_id in ours]

    assert len(claim(first.tenant_id)) == 4
    first.queue(first.upload("later.md", BEES))
    assert [order() for _ in range(5)] == [[second.tenant_id, first.tenant_id]] * 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IngestionHandler, "claim_limit", 1)
        claim(second.tenant_id)
        assert {tuple(order()) for _ in range(50)} == {
            (first.tenant_id, second.tenant_id),
            (second.tenant_id, first.tenant_id),
        }
        first.queue(first.upload("more.md", BEES))
        claim(first.tenant_id)
    assert order() == [second.tenant_id, first.tenant_id]


def test_last_thread_is_for_other_tenants_and_no_job_is_forgotten(
    libraries: tuple[Library, Library], served: Served, monkeypatch: pytest.MonkeyPatch
):
    use_threads(monkeypatch, 3)
    first, second = libraries
    first.queue(*(first.upload(f"{n}.md", BEES) for n in range(4)))
    may_end, messages = threading.Semaphore(0), list[str]()
    process = worker.process

    def process_later(handler: Any, tenant_id: UUID, batch: Any) -> None:
        if tenant_id == first.tenant_id:
            assert may_end.acquire(timeout=30)
        process(handler, tenant_id, batch)

    monkeypatch.setattr(worker, "process", process_later)
    monkeypatch.setattr(worker, "notify_workers", messages.append)
    threads = [threading.Thread(target=_work_and_close) for _ in range(2)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        _wait_until(partial(_has_length, served, number))
    assert work_for_any_tenant("ingest") == 0
    second.queue(second.upload("short.md", RIVERS))
    messages.clear()
    assert work_for_any_tenant("ingest") == 1
    assert served == [first.tenant_id] * 2 + [second.tenant_id]
    assert messages == ["ingest"] * 2  # by its claim, and for the jobs that were refused a turn
    assert work_for_any_tenant("ingest") == 0
    messages.clear()
    may_end.release(4)
    for thread in threads:
        thread.join()
    assert messages == ["ingest"]
    while work_for_any_tenant("ingest"):
        pass
    assert {document.processed_status for document in first.documents().values()} == {DocumentStatus.DONE}


def _has_length(served: Served, length: int) -> bool:
    return len(served) == length


def _work_and_close() -> None:
    try:
        work_for_any_tenant("ingest")
    finally:
        connection.close()


def _wait_until(happened: Callable[[], bool], seconds: float = 120) -> float:
    """Return the seconds that it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def test_turns_of_different_tenants_are_counted_apart():
    one, other, own = uuid4(), uuid4(), Turns(3)
    assert [own.begin(one) for _ in range(3)] == [True, True, False]
    assert own.begin(other)
    assert own.end(one)
    assert not own.end(other)
    assert own.begin(one)


@pytest.fixture
def workers(libraries: tuple[Library, Library], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Celery's own, each a process with four threads, and with a queue that no other test uses."""
    name = f"ingest-{uuid4().hex[:8]}"
    monkeypatch.setattr(queueing, "QUEUE", name)
    monkeypatch.setattr(IngestionHandler, "queue", name)
    default_embedder()  # the first one converts the model
    with ExitStack() as stack:
        for number in range(WORKERS):
            process = killable.start(partial(_run_worker, name, number))
            stack.callback(process.kill)
        yield


def _run_worker(queue_name: str, number: int) -> None:
    die_with_parent()
    warnings.resetwarnings()  # the suite turns them into errors
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    options = ("--pool", "threads", "--without-gossip", "--without-mingle", "--loglevel", "ERROR")
    app.worker_main(["--quiet", "worker", *options, "-Q", queue_name, "-n", f"{queue_name}-{number}@%h"])


def test_short_file_is_done_soon_while_another_tenant_has_long_ones(
    libraries: tuple[Library, Library], workers: None
):
    first, second = libraries
    took(second, "warm-up.md")
    alone = took(second, "alone.md")
    first.queue(*(first.upload(f"{n}.md", f"{n}\n\n{LONG_TEXT}") for n in range(WORKERS * THREADS)))
    busy = WORKERS * (THREADS - 1)
    _wait_until(lambda: running(first) == busy)
    beside = took(second, "beside.md")
    assert running(first) == busy, "the long files are too short"
    assert beside < 20 * max(1, alone)


def took(library: Library, name: str) -> float:
    """Seconds until a new file of one line is done."""
    (added,) = library.queue(library.upload(name, f"{name} says: {RIVERS}"))
    return _wait_until(lambda: library.document(added.document_id).processed_status == DocumentStatus.DONE)


def running(library: Library) -> int:
    with tenant_scope(library.tenant_id):
        return IngestionJob.objects.filter(state="running").count()
