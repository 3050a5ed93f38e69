"""Workers and people who want the same rows, or the same points, at the same moment."""

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
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, ingestion, process, work
from tests.knowledge.test_ingestion import _zip as zipped
from tests.knowledge.test_recovery import before, delete, end_leases


class Released(Exception):
    """Undoes a transaction."""


def at_once(*acts: Callable[[], object]) -> None:
    """Each in a thread and a connection of its own; raises what they raise."""

    def and_close(act: Callable[[], object]) -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(and_close, acts))


def test_two_who_add_the_same_new_files_in_opposite_order_both_succeed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [library.upload(name, BEES) for name in ("a.md", "m.md", "z.md")]
    all_three = Barrier(3)

    def hold_the_middle() -> None:
        """So that each of the two gets as far as there, and has the other's next one, when it is let go."""
        with suppress(Released), tenant_scope(library.tenant_id):
            Document.objects.create(
                reference=library.reference, external_id="m.md", filename="m", size_bytes=0
            )
            all_three.wait()
            time.sleep(1)
            raise Released

    before(monkeypatch, adding, "lock_documents", all_three.wait)
    at_once(lambda: library.queue(*uploads), lambda: library.queue(*reversed(uploads)), hold_the_middle)
    assert len(library.documents()) == len(uploads)


def test_storing_progress_is_no_deadlock(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0)
    library.queue(library.upload("a.md", BEES), library.upload("b.md", RIVERS))
    batch = sorted(claim(library.tenant_id), key=lambda job: job.pk)
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.filter(pk=batch[0].pk).update(chunks_done=1)  # now it comes last in the table
    both = Barrier(2)

    def one_by_one() -> None:
        with tenant_scope(library.tenant_id):
            queue.lock_held(ingestion(), batch[:1])
            both.wait()
            time.sleep(0.5)
            queue.lock_held(ingestion(), batch[1:])

    def in_the_order_of_the_table() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
        both.wait()
        progress.JobProgress(ingestion(), library.tenant_id, batch)(Stage.EMBED)
        with connection.cursor() as cursor:
            cursor.execute("RESET ALL")

    at_once(one_by_one, in_the_order_of_the_table)


def test_work_that_hangs_loses_its_lease(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.queue(library.upload("bees.md", BEES))
    monkeypatch.setattr(querysets, "LEASE", timedelta(seconds=0.6))
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 1.0)
    batch = claim(library.tenant_id)
    with progress.heartbeat(ingestion(), library.tenant_id, batch) as tell:
        tell(Stage.PARSE)
        time.sleep(1.5)
        assert claim(library.tenant_id) == []
        tell(Stage.EMBED)
        time.sleep(2.0)
        assert [job.attempt for job in claim(library.tenant_id)] == [2]


def test_points_written_after_their_document_was_deleted_and_purged_go(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    (added,) = library.queue(library.upload("bees.md", BEES))
    index = indexing.index

    def late(*args: Any, **kwargs: Any) -> None:
        delete(library, added.document_id)
        process(library.tenant_id, claim(library.tenant_id))
        index(*args, **kwargs)

    monkeypatch.setattr(pipeline, "index", late)
    work(library.tenant_id)
    assert library.points(library.document(added.document_id)) == []


def test_what_is_nested_too_deep_leaves_no_points(library: Library) -> None:
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


def add_inside(library: Library, content: str) -> Document:
    """A document of somebody's own, named as if it were in an archive."""
    (added,) = library.queue(replace(library.upload("a.md", content), external_id="all.zip/a.md"))
    library.work()
    return library.document(added.document_id)


def test_a_member_does_not_replace_a_document_that_has_its_name(library: Library) -> None:
    own = add_inside(library, BEES)
    archive = library.add("all.zip", zipped({"a.md": RIVERS}))
    found = library.documents()
    assert found.keys() == {"all.zip", "all.zip/a.md", f"{archive.pk}/a.md"}
    assert library.find("bees", documents=(own.pk,))[0].text.endswith("flowers are.")
    assert "Danube" in library.find("rivers", documents=(found[f"{archive.pk}/a.md"].pk,))[0].text


def test_a_member_that_somebody_uploads_is_theirs(library: Library) -> None:
    library.add("all.zip", zipped({"a.md": BEES}))
    theirs = add_inside(library, BEES)
    library.add("all.zip", zipped({"b.md": RIVERS}))
    assert library.documents().keys() == {"all.zip", "all.zip/a.md", "all.zip/b.md"}
    assert library.find("bees")[0].document_id == theirs.pk


def test_what_failed_together_is_tried_in_parts_and_then_alone(library: Library) -> None:
    library.queue(*(library.upload(f"{number}.md", BEES) for number in range(20)))
    assert len(claim(library.tenant_id)) == 20
    end_leases(library)
    assert [len(claim(library.tenant_id)) for _ in range(4)] == [8, 8, 4, 0]
    end_leases(library)
    assert [len(claim(library.tenant_id)) for _ in range(2)] == [1, 1]


def test_what_a_dead_worker_left_comes_before_what_waits(library: Library) -> None:
    library.queue(library.upload("first.md", BEES))
    (left,) = claim(library.tenant_id)
    library.queue(library.upload("second.md", RIVERS))
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.exclude(pk=left.pk).update(available_at="2020-01-01T00:00Z")
        IngestionJob.objects.filter(pk=left.pk).update(available_at="2020-01-02T00:00Z")
    assert claim(library.tenant_id) == [left]
