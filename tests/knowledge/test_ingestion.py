"""Adding, replacing, retrying and deleting documents, through the whole pipeline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError

from audit.models import AuditLog
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.retry_policies import DEFAULT_RETRY
from engines.embedding import TextRole, Vectors
from engines.vectors import Filter
from jobs import progress
from jobs.handlers import handlers
from jobs.queue import tenants_with_due_jobs
from jobs.states import JobState
from knowledge.engine_config import default_embedder, file_parser
from knowledge.errors import DocumentNotFoundError, ReferenceNotFoundError, UploadInvalidError
from knowledge.ingestion import handler
from knowledge.models import Chunk, Document, DocumentStatus, Embedding, IngestionJob
from knowledge.pipeline import embedding
from knowledge.services.adding import UploadOutcome, add_documents
from knowledge.services.changing import delete_documents, reindex_documents, retry_documents
from knowledge.storage.files import DOCUMENT_FILES
from tests.conftest import Person
from tests.engines.reading import zipped
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, default_ports, process

MIXED = """# Leave

Ask for leave at the front desk, two weeks before it begins.

# Urlaub

Der Urlaub wird am Empfang beantragt, zwei Wochen bevor er beginnt.

# 2024

8,978 7,679 7,175
"""


def test_document_becomes_searchable_with_citations(library: Library) -> None:
    document = library.add("bees.md", BEES)
    assert document.processed_status == DocumentStatus.DONE
    assert document.mime_type == "text/markdown"
    best = library.find("how do bees talk to each other?")[0]
    assert (best.document_id, best.filename, best.heading) == (document.pk, "bees.md", ("Bees",))
    assert document.text[best.start : best.end] == best.text
    assert {"dense", "sparse"} == best.scores.keys()


def test_chunks_embeddings_and_points_have_the_same_ids(library: Library) -> None:
    document = library.add("bees.md", BEES)
    with tenant_scope(library.tenant_id):
        chunks = set(Chunk.objects.filter(document=document).values_list("pk", flat=True))
        vector_refs = Embedding.objects.filter(chunk__document=document).values_list("vector_ref", flat=True)
        assert {vector_ref.rpartition("/")[2] for vector_ref in vector_refs} == {str(pk) for pk in chunks}
    assert chunks == {point.id for point in library.points(document)}


def test_passages_have_their_languages(library: Library) -> None:
    document = library.add("mixed.md", MIXED)
    with tenant_scope(library.tenant_id):
        chunks = Chunk.objects.filter(document=document)
        languages = dict(chunks.values_list("language", "pk"))
        assert list(chunks.values_list("language", flat=True)) == ["en", "de", "en"]
        rows = {point.id for point in library.points(document, languages=("de",))}
    assert rows == {languages["de"]}


def test_unchanged_file_is_not_ingested_again(library: Library) -> None:
    before = library.add("bees.md", BEES)
    (again,) = library.queue(library.upload("bees.md", BEES))
    assert (again.outcome, again.document_id) == (UploadOutcome.UNCHANGED, before.pk)
    with tenant_scope(library.tenant_id):
        assert IngestionJob.objects.filter(document=before).count() == 1
    assert library.document(before.pk).generation == 1


def test_changed_pipeline_versions_reingest_the_file(library: Library) -> None:
    before = library.add("bees.md", BEES)
    with tenant_scope(library.tenant_id):
        Document.objects.filter(pk=before.pk).update(versions={"reader": "0"})
    (again,) = library.queue(library.upload("bees.md", BEES))
    assert again.outcome == UploadOutcome.UPDATED


def test_replaced_document_is_found_by_the_new_file_only(library: Library) -> None:
    before = library.add("notes.md", BEES)
    after = library.add("notes.md", RIVERS)
    assert (after.pk, after.generation) == (before.pk, 2)
    assert {hit.text for hit in library.find("bees and flowers")} == {
        hit.text for hit in library.find("rivers")
    }
    assert {point.generation for point in library.points(after)} == {2}
    assert DOCUMENT_FILES.files_of(library.tenant_id, after.pk) == [after.file_path]
    with default_storage.open(after.file_path) as file:
        assert file.read().decode() == RIVERS


def test_old_file_is_found_while_the_new_one_is_queued(library: Library) -> None:
    library.add("notes.md", BEES)
    library.queue(library.upload("notes.md", RIVERS))
    assert "bees" in library.find("bees")[0].text


def test_file_is_flushed_before_its_row_is_written(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    documents_when_flushed: dict[int, int] = {}
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        real_fsync(descriptor)
        documents_when_flushed[os.fstat(descriptor).st_ino] = len(library.documents())

    monkeypatch.setattr(os, "fsync", fsync)
    (added,) = library.queue(library.upload("bees.md", BEES))
    path = default_storage.path(library.document(added.document_id).file_path)
    assert documents_when_flushed[Path(path).stat().st_ino] == 0


def test_unchanged_chunks_of_a_new_generation_keep_their_vectors(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the changed chunk is embedded again."""
    bees, rivers, seas = (
        f"# {word}\n\n" + f"Some words about {word}. " * 40 for word in ("Bees", "Rivers", "Seas")
    )
    document = library.add("notes.md", f"{bees}\n\n{rivers}")
    old = vectors_by_heading(library, document)
    embedder, embedded = default_embedder(), list[str]()
    embed = embedder.embed

    def recording(tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
        embedded.extend(texts)
        return embed(tenant_id, texts, role)

    monkeypatch.setattr(embedder, "embed", recording)
    document = library.add("notes.md", f"{bees}\n\n{seas}")
    new = vectors_by_heading(library, document)
    assert (document.generation, set(old), set(new)) == (2, {"Bees", "Rivers"}, {"Bees", "Seas"})
    assert new["Bees"] == old["Bees"]
    assert embedded and all("Seas" in text and "Bees" not in text for text in embedded)


def vectors_by_heading(library: Library, document: Document) -> dict[str, list[float]]:
    """The vectors of the document's points, by the chunk's heading."""
    of_document, ports = Filter(document_ids=(document.pk,)), default_ports()
    points = ports.store.scroll(library.tenant_id, ports.collection, of_document, with_vectors=True)
    with tenant_scope(library.tenant_id):
        headings = dict(Chunk.objects.filter(document=document).values_list("pk", "heading_path"))
    return {headings[point.id][-1]: list(point.vector or ()) for point in points}


def test_deleting_hides_at_once_and_purges_later(library: Library) -> None:
    document = library.add("bees.md", BEES)
    delete_documents(actor=library.person.actor, document_ids=[document.pk])
    assert library.find("bees") == []
    library.work()
    with tenant_scope(library.tenant_id):
        assert not Chunk.objects.filter(document=document).exists()
    assert library.points(document) == []
    assert DOCUMENT_FILES.files_of(library.tenant_id, document.pk) == []
    assert library.document(document.pk).text == ""


def test_deleted_document_of_a_batch_is_not_embedded_any_further(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0)
    monkeypatch.setattr(embedding, "BATCH_SIZE", 2)
    texts = {
        name: "\n\n".join(f"# {name} {n}\n\nThis is part {n} of {name}." for n in range(20))
        for name in ("bees", "rivers")
    }
    added = library.queue(*(library.upload(f"{name}.md", text) for name, text in texts.items()))
    ids = {name: one.document_id for name, one in zip(texts, added, strict=True)}
    embedder, embedded = default_embedder(), list[str]()
    embed = embedder.embed

    def embed_and_delete(tenant_id: UUID, contents: Sequence[str], role: TextRole) -> Vectors:
        if not embedded:
            delete_documents(actor=library.person.actor, document_ids=[ids[contents[0].split()[0]]])
        embedded.extend(content.split()[0] for content in contents)
        return embed(tenant_id, contents, role)

    monkeypatch.setattr(embedder, "embed", embed_and_delete)
    library.work()
    deleted = embedded[0]
    (kept,) = texts.keys() - {deleted}
    assert embedded.count(deleted) <= 4
    assert embedded.count(kept) == len(library.points(library.document(ids[kept]))) == 20
    assert [(name, one.processed_status) for name, one in library.documents().items()] == [
        (f"{kept}.md", DocumentStatus.DONE)
    ]
    assert library.points(library.document(ids[deleted])) == []


def test_name_of_a_deleted_document_can_be_reused(library: Library) -> None:
    first = library.add("bees.md", BEES)
    delete_documents(actor=library.person.actor, document_ids=[first.pk])
    second = library.add("bees.md", BEES)
    assert second.pk != first.pk
    assert library.find("bees")[0].document_id == second.pk


def test_unreadable_file_fails_alone_with_a_reason(library: Library) -> None:
    library.queue(library.upload("broken.pdf", b"%PDF-1.4 broken"), library.upload("bees.md", BEES))
    library.work()
    documents = library.documents()
    assert documents["bees.md"].processed_status == DocumentStatus.DONE
    broken = documents["broken.pdf"]
    assert (broken.processed_status, broken.error_code) == (DocumentStatus.ERROR, "corrupt_file")
    assert "upload" in broken.error_detail


def test_retrying_queues_failed_documents(library: Library) -> None:
    broken = library.add("broken.pdf", b"%PDF-1.4 broken")
    assert retry_documents(actor=library.person.actor, document_ids=[broken.pk]) == 1
    assert library.document(broken.pk).processed_status == DocumentStatus.PENDING
    library.work()
    assert library.document(broken.pk).error_code == "corrupt_file"


def test_same_broken_file_is_ingested_again(library: Library) -> None:
    library.add("broken.pdf", b"%PDF-1.4 broken")
    (again,) = library.queue(library.upload("broken.pdf", b"%PDF-1.4 broken"))
    assert again.outcome == UploadOutcome.UPDATED


def test_archive_members_become_documents(library: Library) -> None:
    archive = library.add("all.zip", zipped({"a/bees.md": BEES, "rivers.md": RIVERS}))
    assert archive.processed_status == DocumentStatus.DONE
    assert library.documents().keys() == {"all.zip", "all.zip/a/bees.md", "all.zip/rivers.md"}
    assert library.find("Danube")[0].filename == "rivers.md"
    library.add("all.zip", zipped({"a/bees.md": BEES}))
    assert library.documents().keys() == {"all.zip", "all.zip/a/bees.md"}
    delete_documents(actor=library.person.actor, document_ids=[archive.pk])
    assert library.documents() == {}


def test_too_deeply_nested_archives_are_refused(library: Library) -> None:
    content = zipped({"bees.md": BEES})
    for _ in range(4):
        content = zipped({"inner.zip": content})
    library.add("outer.zip", content)
    codes = [d.error_code for d in library.documents().values() if d.error_code]
    assert codes == ["nested_too_deep"]


def test_too_large_nested_archives_are_refused(
    library: Library, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = file_parser()  # keeps its higher limit
    monkeypatch.setattr(handler, "file_parser", lambda: parser)
    settings.PARSER_OUTPUT_MB = 1
    filler = zipped({f"{n}.txt": f"{n} " * 100_000 for n in range(3)})
    library.add("outer.zip", zipped({f"{n}.zip": filler for n in range(3)}))
    codes = {d.error_code for d in library.documents().values() if d.error_code}
    assert "nested_too_large" in codes


def test_missing_file_is_an_error(library: Library) -> None:
    (added,) = library.queue(library.upload("bees.md", BEES))
    default_storage.delete(library.document(added.document_id).file_path)
    library.work()
    assert library.document(added.document_id).error_code == "file_missing"


def test_latest_of_several_replacements_wins(library: Library) -> None:
    library.queue(library.upload("notes.md", "first"))
    library.queue(library.upload("notes.md", BEES))
    (added,) = library.queue(library.upload("notes.md", RIVERS))
    library.work()
    assert "Danube" in library.document(added.document_id).text
    states = [job.state for job in library.jobs(library.document(added.document_id))]
    assert states == [JobState.CANCELLED, JobState.CANCELLED, JobState.DONE]


def test_worker_without_its_lease_writes_nothing(library: Library) -> None:
    (added,) = library.queue(library.upload("bees.md", BEES))
    slow = claim(library.tenant_id)
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.update(available_at=slow[0].created_at)
    library.work()
    done = library.document(added.document_id)
    process(library.tenant_id, slow)
    assert library.document(added.document_id).updated_at == done.updated_at
    assert [job.attempt for job in library.jobs(done)] == [2]


def test_job_ends_in_error_after_five_worker_deaths(library: Library) -> None:
    (added,) = library.queue(library.upload("bees.md", BEES))
    for _ in range(DEFAULT_RETRY.attempts):
        assert len(claim(library.tenant_id)) == 1
        with tenant_scope(library.tenant_id):
            IngestionJob.objects.update(available_at=library.document(added.document_id).created_at)
    assert claim(library.tenant_id) == []
    assert library.document(added.document_id).error_code == "worker_died"


def due_tenants() -> set[UUID]:
    return {tenant_id for _, tenant_id in tenants_with_due_jobs(handlers())}


def test_due_jobs_of_all_tenants_are_listed(library: Library, foreign_library: Library) -> None:
    library.queue(library.upload("bees.md", BEES))
    foreign_library.queue(foreign_library.upload("bees.md", BEES))
    assert {library.tenant_id, foreign_library.tenant_id} <= due_tenants()
    library.work()
    assert library.tenant_id not in due_tenants()


def test_adding_indexing_and_deleting_are_audited(library: Library) -> None:
    document = library.add("bees.md", BEES)
    delete_documents(actor=library.person.actor, document_ids=[document.pk])
    with tenant_scope(library.tenant_id):
        actions = list(
            AuditLog.objects.filter(object_id=document.pk)
            .order_by("created_at")
            .values_list("action", flat=True)
        )
    assert actions == ["documents.added", "document.indexed", "documents.deleted"]


@pytest.mark.parametrize("name", ["", "x" * 1025])
def test_invalid_names_are_refused(library: Library, name: str, tmp_path: Path) -> None:
    good = library.upload("bees.md", BEES)
    from dataclasses import replace

    with pytest.raises(UploadInvalidError):
        library.queue(replace(good, external_id=name))


def test_nested_metadata_is_refused(library: Library) -> None:
    with pytest.raises(UploadInvalidError, match="author"):
        library.queue(library.upload("bees.md", BEES, metadata={"author": {"first": "Karl"}}))


def test_viewers_cannot_write(library: Library, viewer: Person) -> None:
    document = library.add("bees.md", BEES)
    with pytest.raises(ForbiddenError, match="editor"):
        add_documents(actor=viewer.actor, reference_id=library.reference.pk, uploads=[])
    with pytest.raises(ForbiddenError, match="editor"):
        delete_documents(actor=viewer.actor, document_ids=[document.pk])


def test_other_tenants_cannot_access_documents(library: Library, stranger: Person) -> None:
    document = library.add("bees.md", BEES)
    with pytest.raises(ReferenceNotFoundError):
        add_documents(
            actor=stranger.actor, reference_id=library.reference.pk, uploads=[library.upload("x.md", "x")]
        )
    with pytest.raises(DocumentNotFoundError):
        delete_documents(actor=stranger.actor, document_ids=[document.pk])
    assert retry_documents(actor=stranger.actor, document_ids=[document.pk]) == 0
    assert reindex_documents(actor=stranger.actor, document_ids=[document.pk]) == 0
    with tenant_scope(stranger.tenant_id), pytest.raises(IntegrityError):
        Document.objects.create(
            reference_id=library.reference.pk, external_id="x", filename="x", file_path="x", size_bytes=0
        )
    assert library.find("bees")[0].document_id == document.pk
