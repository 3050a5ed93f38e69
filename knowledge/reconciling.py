"""Do PostgreSQL, the vector store and the file storage agree? Compared both ways, one tenant at a time.

Both stores are read in pages, ordered by id, and merged; nothing is locked. What looks wrong is looked at again before it
is reported, so that work in progress gives no false alarm; documents with unfinished jobs are left to those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.core.files.storage import default_storage
from django.utils import timezone

from audit.services import record
from knowledge import files
from knowledge.ingestion.jobs import enqueue
from knowledge.ingestion.versions import model_of, models_of_tenant
from knowledge.models import Chunk, Document, DocumentStatus, IngestionJob
from knowledge.pipeline.ports import collection_name
from knowledge.services.documents import reindex_documents
from knowledge.vectors import Filter, StoredPoint, VectorStore
from tenants.actors import Actor
from tenants.scope import tenant_scope

PAGE = 2000
# A file is stored a moment before its row is written.
FILE_GRACE = timedelta(minutes=5)
T = TypeVar("T")


class Kind(StrEnum):
    MISSING_POINT = "missing_point"
    ORPHAN_POINT = "orphan_point"
    STALE_GENERATION = "stale_generation"
    STALE_MODEL = "stale_model"
    WRONG_PAYLOAD = "wrong_payload"
    MISSING_FILE = "missing_file"
    ORPHAN_FILE = "orphan_file"
    STUCK_DOCUMENT = "stuck_document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`subject` is a point's id, a stored file's name or a document's id; `collection` is a point's."""

    kind: Kind
    subject: str
    document_id: UUID | None = None
    collection: str = ""


@dataclass(slots=True, kw_only=True)
class Report:
    """`counts` by kind; `findings` are all of them; `repaired` how many were mended."""

    tenant_id: UUID
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    repaired: int = 0


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the point of a chunk should say."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    tag_ids: frozenset[UUID]


def reconcile(*, actor: Actor, store: VectorStore, model: str, repair: bool = False) -> Report:
    """Compare everything of the actor's tenant; `model` is the embedder's. Raises VectorStoreError."""
    report = Report(tenant_id=actor.tenant_id)
    looked = [
        *_points(actor.tenant_id, store, model),
        *_files(actor.tenant_id),
        *_stuck(actor.tenant_id),
    ]
    report.findings = _without_work_in_progress(actor.tenant_id, looked)
    for finding in report.findings:
        report.counts[finding.kind] = report.counts.get(finding.kind, 0) + 1
    if repair and report.findings:
        report.repaired = _repair(actor, store, report.findings)
        with tenant_scope(actor.tenant_id):
            record(
                actor=actor, action="tenant.reconciled", new={**report.counts, "repaired": report.repaired}
            )
    return report


def _points(tenant_id: UUID, store: VectorStore, model: str) -> Iterator[Finding]:
    yield from _confirmed(tenant_id, store, collection_name(model), _compare(tenant_id, store, model))
    for other in models_of_tenant(tenant_id) - {model}:
        yield from _of_other_model(tenant_id, store, other)


def _compare(tenant_id: UUID, store: VectorStore, model: str) -> Iterator[Finding]:
    """Merge the two ordered streams."""
    collection = collection_name(model)
    stored, expected = _stored(tenant_id, store, collection), _expected(tenant_id)
    point, chunk = next(stored, None), next(expected, None)
    while point or chunk:
        if chunk and (point is None or chunk.id < point.id):
            yield _finding(Kind.MISSING_POINT, chunk, collection)
            chunk = next(expected, None)
        elif point and (chunk is None or point.id < chunk.id):
            yield _finding(Kind.ORPHAN_POINT, point, collection)
            point = next(stored, None)
        else:
            assert point and chunk
            if _differs(point, chunk):
                yield _finding(Kind.WRONG_PAYLOAD, chunk, collection)
            point, chunk = next(stored, None), next(expected, None)


def _finding(kind: Kind, of: StoredPoint | _Expected, collection: str) -> Finding:
    return Finding(kind=kind, subject=str(of.id), document_id=of.document_id, collection=collection)


def _differs(point: StoredPoint, chunk: _Expected) -> bool:
    said = (point.document_id, point.reference_id, point.generation, frozenset(point.tag_ids))
    return said != (chunk.document_id, chunk.reference_id, chunk.generation, chunk.tag_ids)


def _stored(tenant_id: UUID, store: VectorStore, collection: str) -> Iterator[StoredPoint]:
    after: UUID | None = None
    while page := store.scroll(tenant_id, collection, Filter(), after=after, limit=PAGE):
        yield from page
        after = page[-1].id


def _expected(tenant_id: UUID) -> Iterator[_Expected]:
    after = UUID(int=0)
    while page := _expected_after(tenant_id, after):
        yield from page
        after = page[-1].id


def _expected_after(tenant_id: UUID, after: UUID) -> list[_Expected]:
    with tenant_scope(tenant_id):
        chunks = (
            Chunk.objects.filter(pk__gt=after, document__deleted_at__isnull=True)
            .order_by("pk")
            .prefetch_related("tag_links")
            .select_related("document")
            .only("pk", "generation", "document__reference_id")[:PAGE]
        )
        return [_expectation(chunk) for chunk in chunks]


def _expectation(chunk: Chunk) -> _Expected:
    return _Expected(
        chunk.pk,
        chunk.document_id,
        chunk.document.reference_id,
        chunk.generation,
        frozenset(link.tag_id for link in chunk.tag_links.all()),
    )


def _confirmed(
    tenant_id: UUID, store: VectorStore, collection: str, findings: Iterable[Finding]
) -> Iterator[Finding]:
    """A second look at what the first one, which took its time, found; and why a point is an orphan."""
    for some in _pages(findings):
        ids = [UUID(one.subject) for one in some]
        found = store.scroll(tenant_id, collection, Filter(point_ids=tuple(ids)), limit=PAGE)
        points = {point.id: point for point in found}
        with tenant_scope(tenant_id):
            rows = Chunk.objects.filter(pk__in=ids, document__deleted_at__isnull=True)
            chunks = {
                c.pk: _expectation(c) for c in rows.select_related("document").prefetch_related("tag_links")
            }
            current = dict(
                Document.objects.filter(pk__in=[one.document_id for one in some]).values_list(
                    "pk", "generation"
                )
            )
        for one in some:
            kind = _kind(points.get(UUID(one.subject)), chunks.get(UUID(one.subject)), current)
            if kind:
                yield Finding(
                    kind=kind, subject=one.subject, document_id=one.document_id, collection=collection
                )


def _kind(point: StoredPoint | None, chunk: _Expected | None, current: dict[UUID, int]) -> Kind | None:
    if point and chunk:
        return Kind.WRONG_PAYLOAD if _differs(point, chunk) else None
    if chunk:
        return Kind.MISSING_POINT
    if point is None:
        return None
    is_older = point.generation < current.get(point.document_id, 0)
    return Kind.STALE_GENERATION if is_older else Kind.ORPHAN_POINT


def _of_other_model(tenant_id: UUID, store: VectorStore, model: str) -> Iterator[Finding]:
    """Points that a model left behind whose vectors their documents no longer use."""
    collection = collection_name(model)
    for some in _pages(_stored(tenant_id, store, collection)):
        with tenant_scope(tenant_id):
            documents = Document.objects.filter(pk__in={point.document_id for point in some})
            versions = dict(documents.values_list("pk", "versions"))
        for point in some:
            if model_of(versions.get(point.document_id, "")) != model:
                yield _finding(Kind.STALE_MODEL, point, collection)


def _files(tenant_id: UUID) -> Iterator[Finding]:
    with tenant_scope(tenant_id):
        wanted = dict(Document.objects.values_list("file_path", "pk"))
    present = set(files.stored_documents(tenant_id))
    for name in sorted(wanted.keys() - present):
        if not default_storage.exists(name):
            yield Finding(kind=Kind.MISSING_FILE, subject=name, document_id=wanted[name])
    oldest = timezone.now() - FILE_GRACE
    for name in sorted(present - wanted.keys()):
        document_id = UUID(name.split("/")[2])
        if default_storage.exists(name) and default_storage.get_modified_time(name) < oldest:
            yield Finding(kind=Kind.ORPHAN_FILE, subject=name, document_id=document_id)


def _stuck(tenant_id: UUID) -> Iterator[Finding]:
    """Documents that wait for a job that does not exist."""
    waiting = [DocumentStatus.PENDING, DocumentStatus.PROCESSING]
    with tenant_scope(tenant_id):
        ids = list(Document.objects.filter(processed_status__in=waiting).values_list("pk", flat=True))
    for document_id in ids:
        yield Finding(kind=Kind.STUCK_DOCUMENT, subject=str(document_id), document_id=document_id)


def _without_work_in_progress(tenant_id: UUID, findings: Sequence[Finding]) -> list[Finding]:
    ids = _documents(findings)
    with tenant_scope(tenant_id):
        jobs = IngestionJob.objects.all().unfinished().filter(document_id__in=ids)
        busy = set(jobs.values_list("document_id", flat=True))
    return [finding for finding in findings if finding.document_id not in busy]


def _repair(actor: Actor, store: VectorStore, findings: Sequence[Finding]) -> int:
    """The number mended; a missing file can only be uploaded again."""
    by_kind = {kind: [f for f in findings if f.kind is kind] for kind in Kind}
    superfluous = (Kind.ORPHAN_POINT, Kind.STALE_GENERATION, Kind.STALE_MODEL)
    for some in _pages(finding for kind in superfluous for finding in by_kind[kind]):
        for collection in {finding.collection for finding in some}:
            points = tuple(UUID(f.subject) for f in some if f.collection == collection)
            store.delete(actor.tenant_id, collection, Filter(point_ids=points))
    files.remove(finding.subject for finding in by_kind[Kind.ORPHAN_FILE])
    for ids in _pages(_documents(by_kind[Kind.MISSING_POINT] + by_kind[Kind.WRONG_PAYLOAD])):
        reindex_documents(actor=actor, document_ids=ids)
    with tenant_scope(actor.tenant_id):
        for document in Document.objects.filter(pk__in=_documents(by_kind[Kind.STUCK_DOCUMENT])).defer(
            "text"
        ):
            enqueue(document)
    return len(findings) - len(by_kind[Kind.MISSING_FILE])


def _documents(findings: Iterable[Finding]) -> list[UUID]:
    return list(dict.fromkeys(finding.document_id for finding in findings if finding.document_id))


def _pages(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while page := list(islice(rest, PAGE)):
        yield page
