"""Workers that die, and documents that change, at inconvenient moments."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from core.retry_policies import DEFAULT_RETRY
from engines.vectors import VectorStoreError
from jobs import queue
from jobs.worker import work_for_any_tenant
from knowledge.ingestion import ingest, publishing
from knowledge.models import Chunk, DocumentStatus
from knowledge.services import changing, tags
from knowledge.services.changing import reindex_documents, retry_documents
from knowledge.services.references import get_or_create_reference
from knowledge.storage.files import DOCUMENT_FILES
from tests.conftest import Person
from tests.engines.reading import zipped
from tests.knowledge.interruptions import Killed, before, delete, end_leases, kill, work_until
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, ingestion, process
from tests.support.jobs import postpone_due_jobs

BROKEN = b"%PDF-1.4 broken"


def test_unreadable_replacement_keeps_the_old_chunks(library: Library) -> None:
    first = library.add("notes.md", BEES)
    second = library.add("notes.md", BROKEN)
    assert (second.processed_status, second.generation) == (DocumentStatus.ERROR, 1)
    assert library.find("bees")[0].document_id == first.pk


def test_members_of_an_unpublished_archive_are_removed(library: Library) -> None:
    library.queue(library.upload("all.zip", zipped({"a.md": BEES, "b.md": RIVERS})))
    with pytest.raises(Killed):
        work_until(library, "publish", kill)
    library.queue(library.upload("all.zip", zipped({"a.md": BEES})))
    library.work()
    assert library.documents().keys() == {"all.zip", "all.zip/a.md"}


def test_archive_deleted_during_ingestion_adds_no_members(library: Library) -> None:
    (added,) = library.queue(library.upload("all.zip", zipped({"a.md": BEES})))
    work_until(library, "add_members", lambda: delete(library, added.document_id))
    library.work()
    assert library.documents() == {}


def test_worker_killed_before_publishing_loses_nothing(library: Library) -> None:
    (added,) = library.queue(library.upload("bees.md", BEES))
    with pytest.raises(Killed):
        work_until(library, "publish", kill)
    end_leases(library)
    library.work()
    document = library.document(added.document_id)
    assert document.processed_status == DocumentStatus.DONE
    assert len(library.points(document)) == len(library.find("bees")) == 1


def test_purge_is_retried_without_limit(library: Library) -> None:
    document = library.add("bees.md", BEES)
    delete(library, document.pk)
    for _ in range(DEFAULT_RETRY.attempts + 1):
        assert len(claim(library.tenant_id)) == 1
        end_leases(library)
    library.work()
    with tenant_scope(library.tenant_id):
        assert not Chunk.objects.filter(document=document).exists()
    assert library.points(document) == []
    assert DOCUMENT_FILES.files_of(library.tenant_id, document.pk) == []


def test_earlier_workers_do_not_hold_a_retried_job(library: Library) -> None:
    (added,) = library.queue(library.upload("bees.md", BEES))
    expired = claim(library.tenant_id)
    end_leases(library)
    (second,) = claim(library.tenant_id)
    with tenant_scope(library.tenant_id):
        queue.fail(ingestion(), second, "internal_error", "", None)
    retry_documents(actor=library.person.actor, document_ids=[added.document_id])
    (third,) = claim(library.tenant_id)
    with tenant_scope(library.tenant_id):
        assert queue.lock_held(ingestion(), expired) == []
        assert queue.lock_held(ingestion(), [third]) == [third]


def test_retry_statement_count_is_constant(library: Library) -> None:
    uploads = [library.upload(f"{number}.pdf", BROKEN) for number in range(9)]
    ids = [added.document_id for added in library.queue(*uploads)]
    library.work()

    def statements(document_ids: list[UUID]) -> int:
        with CaptureQueriesContext(connection) as queries:
            count = retry_documents(actor=library.person.actor, document_ids=document_ids)
        assert count == len(document_ids)
        return len(queries)

    assert statements(ids[:1]) == statements(ids[1:])


def test_delete_and_publish_do_not_deadlock(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    document = library.add("bees.md", BEES)
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    batch = claim(library.tenant_id)
    both = Barrier(2, timeout=0.5)

    def meet() -> None:
        with suppress(BrokenBarrierError):
            both.wait()

    before(monkeypatch, changing, "cancel_unfinished", meet)
    before(monkeypatch, publishing, "_write_tags", meet)

    def call_and_close(function: Callable[[], None]) -> None:
        try:
            function()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        functions = (lambda: delete(library, document.pk), lambda: process(library.tenant_id, batch))
        list(pool.map(call_and_close, functions))
    assert [job.error_code for job in library.jobs(document)] == [""] * 3
    library.work()
    assert library.find("bees") == []
    assert library.points(document) == []


def test_failed_clean_up_is_not_a_failed_document(library: Library) -> None:
    document = library.add("notes.md", BEES)
    library.queue(library.upload("notes.md", RIVERS))
    for _ in range(DEFAULT_RETRY.attempts):
        with suppress(Killed):
            work_until(library, "clean", kill)
        end_leases(library)
    assert claim(library.tenant_id) == []
    document = library.document(document.pk)
    assert (document.processed_status, document.error_code) == (DocumentStatus.DONE, "")
    assert "Danube" in library.find("rivers")[0].text


def test_failures_are_audited(library: Library) -> None:
    broken = library.add("broken.pdf", BROKEN)
    with tenant_scope(library.tenant_id):
        event = AuditLog.objects.get(object_id=broken.pk, action="document.failed")
    assert event.payload_json["code"] == "corrupt_file"


def test_tags_are_indexed_after_a_vector_store_outage(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = library.add("bees.md", BEES)

    class UnavailableStore:
        def set_tags(self, *args: object) -> None:
            raise VectorStoreError("vector_store_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(tags, "vector_store", UnavailableStore)
        tags.tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
    library.work()
    assert library.find("anything", tags_any=("mine",))[0].document_id == document.pk


def test_worker_serves_all_tenants(library: Library, foreign_library: Library) -> None:
    postpone_due_jobs()
    library.queue(library.upload("bees.md", BEES))
    foreign_library.queue(foreign_library.upload("rivers.md", RIVERS))
    while work_for_any_tenant("ingest"):
        pass
    assert library.find("bees") and foreign_library.find("rivers")


def test_concurrent_first_ingests_share_a_reference(owner: Person) -> None:
    start = Barrier(4)

    def create() -> UUID:
        start.wait()
        try:
            reference = get_or_create_reference(actor=owner.actor, workspace="New", reference="New")
            return reference.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(create) for _ in range(4)]
    assert len({future.result() for future in futures}) == 1


def test_work_folders_of_killed_workers_are_swept(library: Library) -> None:
    old, new = ingest.work_folder() / "old", ingest.work_folder() / "new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    ingest.sweep_work_folder()
    assert new.exists() and not old.exists()
    new.rmdir()


def test_sweep_ignores_folders_removed_meanwhile(library: Library) -> None:
    gone = ingest.work_folder() / "gone"
    gone.symlink_to("nowhere")
    ingest.sweep_work_folder()
    assert gone.is_symlink()
    gone.unlink()


def test_repeated_failures_keep_one_file(library: Library) -> None:
    for _ in range(3):
        broken = library.add("broken.pdf", BROKEN)
    assert broken.file_generation == 3
    assert DOCUMENT_FILES.files_of(library.tenant_id, broken.pk) == [broken.file_path]
