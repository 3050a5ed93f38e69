"""Concurrent access of workers and users to the same rows and points."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from core.isolation.scope import tenant_scope
from jobs import progress, querysets, queue
from knowledge import pipeline
from knowledge.models import Document, IngestionJob, Stage
from knowledge.pipeline import indexing
from knowledge.services import adding
from tests.engines.reading import zipped
from tests.knowledge.interruptions import before, delete, end_leases
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, ingestion, process, work


class Rollback(Exception):
    """Rolls back a transaction."""


def at_once(*functions: Callable[[], object]) -> None:
    """Call each in a thread and a connection of its own; raise what they raise."""

    def call_and_close(function: Callable[[], object]) -> None:
        try:
            function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        list(pool.map(call_and_close, functions))


def test_adding_the_same_files_does_not_deadlock(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = [library.upload(name, BEES) for name in ("a.md", "m.md", "z.md")]
    all_three = Barrier(3)

    def hold_the_middle() -> None:
        """Both transactions wait for this row, each holding the row that the other one needs next."""
        with suppress(Rollback), tenant_scope(library.tenant_id):
            Document.objects.create(
                reference=library.reference, external_id="m.md", filename="m", size_bytes=0
            )
            all_three.wait()
            time.sleep(1)
            raise Rollback

    before(monkeypatch, adding, "lock_documents", all_three.wait)
    at_once(lambda: library.queue(*uploads), lambda: library.queue(*reversed(uploads)), hold_the_middle)
    assert len(library.documents()) == len(uploads)


def test_storing_progress_does_not_deadlock(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0)
    library.queue(library.upload("a.md", BEES), library.upload("b.md", RIVERS))
    batch = sorted(claim(library.tenant_id), key=lambda job: job.pk)
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.filter(pk=batch[0].pk).update(
            chunks_done=1
        )  # moves the row to the end of the table
    both = Barrier(2)

    def lock_in_key_order() -> None:
        with tenant_scope(library.tenant_id):
            queue.lock_held(ingestion(), batch[:1])
            both.wait()
            time.sleep(0.5)
            queue.lock_held(ingestion(), batch[1:])

    def update_in_table_order() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
        both.wait()
        progress.JobProgress(ingestion(), library.tenant_id, batch)(Stage.EMBED)
        with connection.cursor() as cursor:
            cursor.execute("RESET ALL")

    at_once(lock_in_key_order, update_in_table_order)
    with tenant_scope(library.tenant_id):
        assert set(IngestionJob.objects.values_list("stage", flat=True)) == {Stage.EMBED}


def test_hanging_work_loses_its_lease(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.queue(library.upload("bees.md", BEES))
    monkeypatch.setattr(querysets, "LEASE", timedelta(seconds=0.6))
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 1.0)
    batch = claim(library.tenant_id)
    with progress.heartbeat(ingestion(), library.tenant_id, batch) as report:
        report(Stage.PARSE)
        time.sleep(1.5)
        assert claim(library.tenant_id) == []
        report(Stage.EMBED)
        time.sleep(2.0)
        assert [job.attempt for job in claim(library.tenant_id)] == [2]


@pytest.mark.parametrize("report_seconds", [0.0, 3600.0])
def test_points_written_after_a_purge_are_removed(
    report_seconds: float, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the worker notices, before it publishes, that it has lost its lease."""
    monkeypatch.setattr(progress, "REPORT_SECONDS", report_seconds)
    (added,) = library.queue(library.upload("bees.md", BEES))
    index = indexing.index

    def index_late(*args: Any, **kwargs: Any) -> None:
        delete(library, added.document_id)
        process(library.tenant_id, claim(library.tenant_id))
        index(*args, **kwargs)

    monkeypatch.setattr(pipeline, "index", index_late)
    work(library.tenant_id)
    assert library.points(library.document(added.document_id)) == []


def test_too_deeply_nested_file_leaves_no_points(library: Library) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Bees"
    mail.set_content(BEES)
    mail.add_attachment(RIVERS, filename="rivers.md")
    inner = zipped({"mail.eml": mail.as_bytes()})
    for _ in range(2):
        inner = zipped({"inner.zip": inner})
    library.add("deep.zip", inner)
    (refused,) = (one for one in library.documents().values() if one.error_code == "nested_too_deep")
    assert library.points(refused) == []


def upload_as_member(library: Library, content: str) -> Document:
    """Upload a document with the external id of an archive's member."""
    (added,) = library.queue(replace(library.upload("a.md", content), external_id="all.zip/a.md"))
    library.work()
    return library.document(added.document_id)


def test_member_does_not_replace_an_uploaded_document(library: Library) -> None:
    own = upload_as_member(library, BEES)
    archive = library.add("all.zip", zipped({"a.md": RIVERS}))
    documents = library.documents()
    assert documents.keys() == {"all.zip", "all.zip/a.md", f"{archive.pk}/a.md"}
    assert library.find("bees", documents=(own.pk,))[0].text.endswith("flowers are.")
    assert "Danube" in library.find("rivers", documents=(documents[f"{archive.pk}/a.md"].pk,))[0].text


def test_uploaded_member_leaves_its_archive(library: Library) -> None:
    library.add("all.zip", zipped({"a.md": BEES}))
    uploaded = upload_as_member(library, BEES)
    library.add("all.zip", zipped({"b.md": RIVERS}))
    assert library.documents().keys() == {"all.zip", "all.zip/a.md", "all.zip/b.md"}
    assert library.find("bees")[0].document_id == uploaded.pk


def test_failed_batch_is_retried_in_parts_then_alone(library: Library) -> None:
    library.queue(*(library.upload(f"{number}.md", BEES) for number in range(20)))
    assert len(claim(library.tenant_id)) == 20
    end_leases(library)
    assert [len(claim(library.tenant_id)) for _ in range(4)] == [8, 8, 4, 0]
    end_leases(library)
    assert [len(claim(library.tenant_id)) for _ in range(2)] == [1, 1]


def test_abandoned_jobs_are_claimed_first(library: Library) -> None:
    library.queue(library.upload("first.md", BEES))
    (abandoned,) = claim(library.tenant_id)
    library.queue(library.upload("second.md", RIVERS))
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.exclude(pk=abandoned.pk).update(available_at="2020-01-01T00:00Z")
        IngestionJob.objects.filter(pk=abandoned.pk).update(available_at="2020-01-02T00:00Z")
    assert claim(library.tenant_id) == [abandoned]
