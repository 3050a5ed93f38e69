"""Workers that die, and people who change their minds, at the least convenient moment."""

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
from core.error_codes import DEFAULT_RETRY
from core.isolation.scope import tenant_scope
from engines.vectors import VectorStoreError
from jobs import queue
from jobs.states import JobState
from jobs.worker import work_for_any_tenant
from knowledge.ingestion import ingest, publishing
from knowledge.models import Chunk, DocumentStatus, IngestionJob
from knowledge.services import changing, tags
from knowledge.services.changing import delete_documents, reindex_documents, retry_documents
from knowledge.services.references import get_or_create_reference
from knowledge.storage.files import DOCUMENT_FILES
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, ingestion, process
from tests.knowledge.test_ingestion import _jobs as jobs_of
from tests.knowledge.test_ingestion import _zip as zipped

BROKEN = b"%PDF-1.4 broken"


class Killed(BaseException):
    """As abrupt as SIGKILL: nothing of OYL's catches it."""


def kill() -> None:
    raise Killed


def before(patch: pytest.MonkeyPatch, module: object, name: str, happens: Callable[[], object]) -> None:
    """Something happens just before the function is called."""
    real = getattr(module, name)

    def late(*args: object) -> object:
        happens()
        return real(*args)

    patch.setattr(module, name, late)


def work_until(library: Library, name: str, happens: Callable[[], object]) -> None:
    """A worker goes through one batch, and something happens just before one of its steps."""
    batch = claim(library.tenant_id)
    with pytest.MonkeyPatch.context() as patch:
        before(patch, ingest, name, happens)
        process(library.tenant_id, batch)


def end_leases(library: Library) -> None:
    with tenant_scope(library.tenant_id):
        running = IngestionJob.objects.filter(state=JobState.RUNNING)
        running.update(available_at="2020-01-01T00:00Z")


def delete(library: Library, *ids: UUID) -> None:
    delete_documents(actor=library.person.actor, document_ids=ids)


def test_a_replacement_that_cannot_be_read_leaves_the_old_passages_answering(library: Library) -> None:
    before = library.add("notes.md", BEES)
    after = library.add("notes.md", BROKEN)
    assert (after.processed_status, after.generation) == (DocumentStatus.ERROR, 1)
    assert library.find("bees")[0].document_id == before.pk


def test_members_of_an_archive_that_was_replaced_before_it_was_shown_go(library: Library) -> None:
    library.queue(library.upload("all.zip", zipped({"a.md": BEES, "b.md": RIVERS})))
    with pytest.raises(Killed):
        work_until(library, "publish", kill)
    library.queue(library.upload("all.zip", zipped({"a.md": BEES})))
    library.work()
    assert library.documents().keys() == {"all.zip", "all.zip/a.md"}


def test_an_archive_deleted_while_its_members_are_found_brings_none(library: Library) -> None:
    (added,) = library.queue(library.upload("all.zip", zipped({"a.md": BEES})))
    work_until(library, "add_members", lambda: delete(library, added.document_id))
    library.work()
    assert library.documents() == {}


def test_a_worker_killed_before_the_flip_loses_and_doubles_nothing(library: Library) -> None:
    (added,) = library.queue(library.upload("bees.md", BEES))
    with pytest.raises(Killed):
        work_until(library, "publish", kill)
    end_leases(library)
    library.work()
    document = library.document(added.document_id)
    assert document.processed_status == DocumentStatus.DONE
    assert len(library.points(document)) == len(library.find("bees")) == 1


def test_what_was_deleted_goes_however_often_its_worker_dies(library: Library) -> None:
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


def test_a_retry_is_a_job_that_no_earlier_worker_holds(library: Library) -> None:
    (added,) = library.queue(library.upload("bees.md", BEES))
    slow = claim(library.tenant_id)
    end_leases(library)
    (second,) = claim(library.tenant_id)
    with tenant_scope(library.tenant_id):
        queue.fail(ingestion(), second, "internal_error", "", None)
    retry_documents(actor=library.person.actor, document_ids=[added.document_id])
    (third,) = claim(library.tenant_id)
    with tenant_scope(library.tenant_id):
        assert queue.lock_held(ingestion(), slow) == []
        assert queue.lock_held(ingestion(), [third]) == [third]


def test_retrying_many_takes_as_many_statements_as_retrying_one(library: Library) -> None:
    uploads = [library.upload(f"{number}.pdf", BROKEN) for number in range(9)]
    ids = [added.document_id for added in library.queue(*uploads)]
    library.work()

    def statements(some: list[UUID]) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert retry_documents(actor=library.person.actor, document_ids=some) == len(some)
        return len(queries)

    assert statements(ids[:1]) == statements(ids[1:])


def test_deleting_during_a_flip_is_no_deadlock(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    document = library.add("bees.md", BEES)
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    batch = claim(library.tenant_id)
    both = Barrier(2, timeout=0.5)

    def meet() -> None:
        with suppress(BrokenBarrierError):
            both.wait()

    before(monkeypatch, changing, "cancel_unfinished", meet)
    before(monkeypatch, publishing, "_write_tags", meet)

    def and_close(step: Callable[[], None]) -> None:
        try:
            step()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        steps = (lambda: delete(library, document.pk), lambda: process(library.tenant_id, batch))
        list(pool.map(and_close, steps))
    assert [job.error_code for job in jobs_of(library, document)] == [""] * 3
    library.work()
    assert library.find("bees") == []
    assert library.points(document) == []


def test_a_document_that_only_has_leftovers_to_clean_is_not_in_error(library: Library) -> None:
    document = library.add("notes.md", BEES)
    library.queue(library.upload("notes.md", RIVERS))
    for _ in range(DEFAULT_RETRY.attempts):
        with suppress(Killed):
            work_until(library, "clean", kill)
        end_leases(library)
    assert claim(library.tenant_id) == []
    shown = library.document(document.pk)
    assert (shown.processed_status, shown.error_code) == (DocumentStatus.DONE, "")
    assert "Danube" in library.find("rivers")[0].text


def test_a_failure_is_in_the_audit_log(library: Library) -> None:
    broken = library.add("broken.pdf", BROKEN)
    with tenant_scope(library.tenant_id):
        event = AuditLog.objects.get(object_id=broken.pk, action="document.failed")
    assert event.payload_json["code"] == "corrupt_file"


def test_tags_set_while_the_vector_store_is_away_are_indexed_later(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = library.add("bees.md", BEES)

    class Away:
        def set_tags(self, *args: object) -> None:
            raise VectorStoreError("vector_store_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(tags, "vector_store", Away)
        tags.tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
    library.work()
    assert library.find("anything", tags_any=("mine",))[0].document_id == document.pk


def test_a_worker_serves_whoever_has_work(library: Library, foreign_library: Library) -> None:
    library.queue(library.upload("bees.md", BEES))
    foreign_library.queue(foreign_library.upload("rivers.md", RIVERS))
    while work_for_any_tenant("ingest"):
        pass
    assert library.find("bees") and foreign_library.find("rivers")


def test_two_first_ingests_at_once_agree_on_workspace_and_reference(owner: Person) -> None:
    start = Barrier(4)

    def make() -> UUID:
        start.wait()
        try:
            made = get_or_create_reference(actor=owner.actor, workspace="New", reference="New")
            return made.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(make) for _ in range(4)]
    assert len({one.result() for one in made}) == 1


def test_what_a_killed_worker_unpacked_is_swept(library: Library) -> None:
    old, new = ingest.work_folder() / "old", ingest.work_folder() / "new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    ingest.sweep_work_folder()
    assert new.exists() and not old.exists()
    new.rmdir()


def test_sweeping_passes_over_what_goes_meanwhile(library: Library) -> None:
    gone = ingest.work_folder() / "gone"
    gone.symlink_to("nowhere")
    ingest.sweep_work_folder()
    gone.unlink()


def test_failing_again_and_again_leaves_one_file(library: Library) -> None:
    for _ in range(3):
        broken = library.add("broken.pdf", BROKEN)
    assert broken.file_generation == 3
    assert DOCUMENT_FILES.files_of(library.tenant_id, broken.pk) == [broken.file_path]
