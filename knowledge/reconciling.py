"""Do PostgreSQL, the vector store and the file storage agree? Compared both ways, one tenant at a time.

Both stores are read in pages, ordered by id, and merged; nothing is locked. What looks wrong is looked at again before it
is reported, so that work in progress gives no false alarm; documents with unfinished jobs are left to those. Such jobs
are asked for after the stores were read and before the rows are: a job that ends in between shows in the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from audit.services import record
from knowledge import files
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
    report.findings = [
        *_points(actor.tenant_id, store, model),
        *_files(actor.tenant_id),
        *_stuck(actor.tenant_id),
    ]
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
        return [_expectation(chunk) for chunk in _chunks().filter(pk__gt=after).order_by("pk")[:PAGE]]


def _chunks() -> QuerySet[Chunk]:
    """Those that should have a point; without texts, which may be large."""
    chunks: QuerySet[Chunk] = Chunk.objects.filter(document__deleted_at__isnull=True)
    slim = chunks.select_related("document").only("pk", "generation", "document__reference_id")
    return slim.prefetch_related("tag_links")


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
    for page in _pages(findings):
        ids = [UUID(one.subject) for one in page]
        found = store.scroll(tenant_id, collection, Filter(point_ids=tuple(ids)), limit=PAGE)
        points = {point.id: point for point in found}
        with tenant_scope(tenant_id):
            some = _at_rest(page)
            chunks = {chunk.pk: _expectation(chunk) for chunk in _chunks().filter(pk__in=ids)}
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
    for points in _pages(_stored(tenant_id, store, collection)):
        with tenant_scope(tenant_id):
            some = _at_rest([_finding(Kind.STALE_MODEL, point, collection) for point in points])
            documents = Document.objects.filter(pk__in={point.document_id for point in points})
            versions = dict(documents.values_list("pk", "versions"))
        yield from (one for one in some if model_of(versions.get(one.document_id, "")) != model)


def _files(tenant_id: UUID) -> Iterator[Finding]:
    with tenant_scope(tenant_id):
        wanted = dict(Document.objects.values_list("file_path", "pk"))
    present = set(files.stored_documents(tenant_id))
    missing = (
        Finding(kind=Kind.MISSING_FILE, subject=name, document_id=wanted[name])
        for name in sorted(wanted.keys() - present)
        if not default_storage.exists(name)
    )
    yield from _files_again(tenant_id, missing, is_named=True)
    orphans = (
        Finding(kind=Kind.ORPHAN_FILE, subject=name, document_id=UUID(name.split("/")[2]))
        for name in sorted(present - wanted.keys())
    )
    oldest = timezone.now() - FILE_GRACE
    for orphan in _files_again(tenant_id, orphans, is_named=False):
        if default_storage.exists(orphan.subject) and _modified(orphan) < oldest:
            yield orphan


def _modified(finding: Finding) -> datetime:
    return default_storage.get_modified_time(finding.subject)


def _files_again(tenant_id: UUID, findings: Iterable[Finding], *, is_named: bool) -> Iterator[Finding]:
    """A second look at whether the documents name these files as theirs."""
    for page in _pages(findings):
        with tenant_scope(tenant_id):
            some = _at_rest(page)
            documents = Document.objects.filter(pk__in=_documents(page))
            named = set(documents.values_list("file_path", flat=True))
        yield from (one for one in some if (one.subject in named) is is_named)


def _stuck(tenant_id: UUID) -> Iterator[Finding]:
    """Documents that wait for a job that does not exist."""
    waiting = [DocumentStatus.PENDING, DocumentStatus.PROCESSING]
    jobs = IngestionJob.objects.all().unfinished()
    with tenant_scope(tenant_id):
        documents = Document.objects.filter(processed_status__in=waiting)
        stuck = documents.exclude(Exists(jobs.filter(document_id=OuterRef("pk"))))
        ids = list(stuck.values_list("pk", flat=True))
    for document_id in ids:
        yield Finding(kind=Kind.STUCK_DOCUMENT, subject=str(document_id), document_id=document_id)


def _at_rest(findings: Sequence[Finding]) -> list[Finding]:
    """Inside a scope: those whose documents have no unfinished job."""
    jobs = IngestionJob.objects.all().unfinished().filter(document_id__in=_documents(findings))
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
    unfit = (Kind.MISSING_POINT, Kind.WRONG_PAYLOAD, Kind.STUCK_DOCUMENT)
    for ids in _pages(_documents(finding for kind in unfit for finding in by_kind[kind])):
        reindex_documents(actor=actor, document_ids=ids)
    return len(findings) - len(by_kind[Kind.MISSING_FILE])


def _documents(findings: Iterable[Finding]) -> list[UUID]:
    return list(dict.fromkeys(finding.document_id for finding in findings if finding.document_id))


def _pages(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while page := list(islice(rest, PAGE)):
        yield page
