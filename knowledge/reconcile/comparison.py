"""Do PostgreSQL, the vector store and the file storage agree? Compared both ways, one tenant at a time.

Both stores are read in pages, ordered by id, and merged: the memory that this takes does not grow with them. Nothing is
locked. What looks wrong is looked at again before it is reported, so that work in progress gives no false alarm;
documents with unfinished jobs are left to those. Such jobs are asked for after the stores were read and before the rows
are: a job that ends in between shows in the rows.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef
from django.utils import timezone

from audit.services import record
from core.actors import Actor
from core.batching import batched
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.vectors import Filter, StoredPoint, VectorStore, VectorStoreError
from knowledge.models import Chunk, Document, DocumentStatus, IngestionJob, Reference, StoredFile, TagLink
from knowledge.pipeline.ports import collection_name
from knowledge.reconcile.findings import Finding, FindingKind, Report, documents_of
from knowledge.reconcile.repair import repair_findings
from knowledge.storage.files import STORES
from knowledge.used_models import models_of_tenant

PAGE = 2000
# A file is stored a moment before its row is written,
FILE_GRACE = timedelta(minutes=5)
# and tags reach the vector store a moment after theirs are.
TAGS_GRACE = timedelta(seconds=2)
CHUNK = ("pk", "document_id", "generation")


class _Expected(NamedTuple):
    """What the point of a chunk should say."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    tag_ids: frozenset[UUID]


def reconcile(*, actor: Actor, store: VectorStore, model: str, repair: bool = False) -> Report:
    """Compare everything of the actor's tenant; `model` is the embedding model of references that have none of their own."""
    actor.require(Role.EDITOR)
    report = Report(tenant_id=actor.tenant_id)
    try:
        report.findings.extend(_points(actor.tenant_id, store, model))
    except VectorStoreError as error:
        report.problems.append(error.detail)
    report.findings += [*_files(actor.tenant_id), *_stuck(actor.tenant_id)]
    report.counts = dict(Counter(finding.kind for finding in report.findings))
    if repair and report.findings:
        repair_findings(actor, store, report)
        with tenant_scope(actor.tenant_id):
            record(
                actor=actor, action="tenant.reconciled", new={**report.counts, "repaired": report.repaired}
            )
    return report


def _points(tenant_id: UUID, store: VectorStore, model: str) -> Iterator[Finding]:
    with tenant_scope(tenant_id):
        rows = Reference.with_deleted.exclude(embedding_model="")
        own_models: dict[UUID, str] = dict(rows.values_list("pk", "embedding_model"))
    models = {model, *own_models.values()}
    for each in models:
        expected = (one for one in _expected(tenant_id) if own_models.get(one.reference_id, model) == each)
        findings = _compare(_stored(tenant_id, store, collection_name(each)), expected, collection_name(each))
        yield from _confirmed(tenant_id, store, collection_name(each), findings)
    for other in models_of_tenant(tenant_id) - models:
        yield from _of_other_model(tenant_id, store, other)


def _compare(
    stored: Iterator[StoredPoint], expected: Iterator[_Expected], collection: str
) -> Iterator[Finding]:
    """Merge the two streams, which are ordered by id."""
    point, chunk = next(stored, None), next(expected, None)
    while point or chunk:
        if chunk and (point is None or chunk.id < point.id):
            yield _finding(FindingKind.MISSING_POINT, chunk, collection)
            chunk = next(expected, None)
        elif point and (chunk is None or point.id < chunk.id):
            yield _finding(FindingKind.ORPHAN_POINT, point, collection)
            point = next(stored, None)
        else:
            assert point and chunk
            if kind := _difference(point, chunk):
                yield _finding(kind, chunk, collection)
            point, chunk = next(stored, None), next(expected, None)


def _finding(kind: FindingKind, of: StoredPoint | _Expected, collection: str) -> Finding:
    return Finding(kind=kind, subject=str(of.id), document_id=of.document_id, collection=collection)


def _difference(point: StoredPoint, chunk: _Expected) -> FindingKind | None:
    if (point.document_id, point.reference_id, point.generation) != chunk[1:4]:
        return FindingKind.WRONG_PAYLOAD
    return FindingKind.WRONG_TAGS if frozenset(point.tag_ids) != chunk.tag_ids else None


def _stored(tenant_id: UUID, store: VectorStore, collection: str) -> Iterator[StoredPoint]:
    after: UUID | None = None
    while page := store.scroll(tenant_id, collection, Filter(), after=after, limit=PAGE):
        yield from page
        after = page[-1].id


def _expected(tenant_id: UUID) -> Iterator[_Expected]:
    after = UUID(int=0)
    while True:
        with tenant_scope(tenant_id):
            rows = list(Chunk.objects.filter(pk__gt=after).order_by("pk").values_list(*CHUNK)[:PAGE])
            page = _expectations(rows)
        yield from page
        if not rows:
            return
        after = rows[-1][0]


def _expectations(chunks: Sequence[tuple[UUID, UUID, int]]) -> list[_Expected]:
    """Inside a scope. Three plain queries: as one, PostgreSQL, when it is wrong about a table's size, reads all of it for
    each page."""
    documents = Document.objects.filter(pk__in={document_id for _, document_id, _ in chunks})
    references = dict(documents.values_list("pk", "reference_id"))
    tags: defaultdict[UUID, set[UUID]] = defaultdict(set)
    links = TagLink.objects.filter(chunk__in=[pk for pk, *_ in chunks])
    for pk, tag_id in links.values_list("chunk_id", "tag_id"):
        tags[pk].add(tag_id)
    return [
        _Expected(pk, document_id, references[document_id], generation, frozenset(tags[pk]))
        for pk, document_id, generation in chunks
        if document_id in references
    ]


def _confirmed(
    tenant_id: UUID, store: VectorStore, collection: str, findings: Iterable[Finding]
) -> Iterator[Finding]:
    """A second look at what the first one, which took its time, found; and a third where tags differ."""
    for page in batched(findings, PAGE):
        found = list(_points_again(tenant_id, store, collection, page))
        if any(one.kind is FindingKind.WRONG_TAGS for one in found):
            time.sleep(TAGS_GRACE.total_seconds())
            found = list(_points_again(tenant_id, store, collection, found))
        yield from found


def _points_again(
    tenant_id: UUID, store: VectorStore, collection: str, findings: Sequence[Finding]
) -> Iterator[Finding]:
    """What is true of them now. The rows are read before the points: what a job removes, it removes before it ends."""
    ids = [UUID(one.subject) for one in findings]
    with tenant_scope(tenant_id):
        some = _at_rest(findings)
        chunks = Chunk.objects.filter(pk__in=ids).order_by().values_list(*CHUNK)
        expected = {one.id: one for one in _expectations(list(chunks))}
        documents = Document.with_deleted.filter(pk__in=documents_of(findings))
        generations = dict(documents.values_list("pk", "generation"))
    points = _points_by_id(tenant_id, store, collection, ids)
    for one in some:
        pk = UUID(one.subject)
        if kind := _kind(points.get(pk), expected.get(pk), generations):
            yield replace(one, kind=kind)


def _points_by_id(
    tenant_id: UUID, store: VectorStore, collection: str, ids: Sequence[UUID]
) -> dict[UUID, StoredPoint]:
    found = store.scroll(tenant_id, collection, Filter(point_ids=tuple(ids)), limit=PAGE) if ids else []
    return {point.id: point for point in found}


def _kind(
    point: StoredPoint | None, chunk: _Expected | None, generations: dict[UUID, int]
) -> FindingKind | None:
    """`generations` are those of the tenant's documents, the deleted ones among them."""
    if point and chunk:
        return _difference(point, chunk)
    if chunk:
        return FindingKind.MISSING_POINT
    if point is None:
        return None
    if point.document_id not in generations:
        return FindingKind.WRONG_TENANT
    is_older = point.generation < generations[point.document_id]
    return FindingKind.STALE_GENERATION if is_older else FindingKind.ORPHAN_POINT


def _of_other_model(tenant_id: UUID, store: VectorStore, model: str) -> Iterator[Finding]:
    """Points that a model left behind whose vectors their documents no longer use."""
    collection = collection_name(model)
    for points in batched(_stored(tenant_id, store, collection), PAGE):
        with tenant_scope(tenant_id):
            some = _at_rest([_finding(FindingKind.STALE_MODEL, point, collection) for point in points])
            documents = Document.objects.filter(pk__in=documents_of(some))
            versions = dict(documents.values_list("pk", "versions"))
        left = [one for one in some if versions.get(one.document_id, {}).get("model") != model]
        still = _points_by_id(tenant_id, store, collection, [UUID(one.subject) for one in left])
        yield from (one for one in left if UUID(one.subject) in still)


def _files(tenant_id: UUID) -> Iterator[Finding]:
    missing = (
        Finding(kind=FindingKind.MISSING_FILE, subject=name, document_id=document_id)
        for document_id, name in _named(tenant_id)
        if not default_storage.exists(name)
    )
    yield from _files_again(tenant_id, missing, are_named=True)
    stored = (
        Finding(kind=FindingKind.ORPHAN_FILE, subject=name, document_id=store.owner_of(name))
        for store in STORES
        for name in store.all_files(tenant_id)
    )
    for orphan in _files_again(tenant_id, stored, are_named=False):
        if _is_settled(orphan.subject):
            yield orphan


def _named(tenant_id: UUID) -> Iterator[tuple[UUID, str]]:
    """By documents, and by uploaded files that documents can be made from."""
    yield from _named_by(Document, tenant_id)
    yield from _named_by(StoredFile, tenant_id)


def _named_by(model: type[Document | StoredFile], tenant_id: UUID) -> Iterator[tuple[UUID, str]]:
    after = UUID(int=0)
    while True:
        with tenant_scope(tenant_id):
            later = model.objects.filter(pk__gt=after).order_by("pk")
            page = list(later.values_list("pk", "file_path")[:PAGE])
        yield from page
        if not page:
            return
        after = page[-1][0]


def _is_settled(name: str) -> bool:
    """False also of a file that has gone meanwhile."""
    try:
        return default_storage.get_modified_time(name) < timezone.now() - FILE_GRACE
    except FileNotFoundError:
        return False


def _files_again(tenant_id: UUID, findings: Iterable[Finding], *, are_named: bool) -> Iterator[Finding]:
    """Those of documents at rest, or of uploaded files, which do, or do not, name these files as theirs."""
    for page in batched(findings, PAGE):
        with tenant_scope(tenant_id):
            some = _at_rest(page)
            owners = [model.objects.filter(pk__in=documents_of(page)) for model in (Document, StoredFile)]
            named = {path for rows in owners for path in rows.values_list("file_path", flat=True)}
        yield from (one for one in some if (one.subject in named) is are_named)


def _stuck(tenant_id: UUID) -> Iterator[Finding]:
    """Documents that wait for a job that does not exist."""
    waiting = [DocumentStatus.PENDING, DocumentStatus.PROCESSING]
    jobs = IngestionJob.objects.unfinished()
    with tenant_scope(tenant_id):
        documents = Document.objects.filter(processed_status__in=waiting)
        stuck = documents.exclude(Exists(jobs.filter(document_id=OuterRef("pk"))))
        ids = list(stuck.values_list("pk", flat=True))
    for document_id in ids:
        yield Finding(kind=FindingKind.STUCK_DOCUMENT, subject=str(document_id), document_id=document_id)


def _at_rest(findings: Sequence[Finding]) -> list[Finding]:
    """Inside a scope: those whose documents have no unfinished job."""
    jobs = IngestionJob.objects.unfinished().filter(document_id__in=documents_of(findings))
    busy = set(jobs.values_list("document_id", flat=True))
    return [finding for finding in findings if finding.document_id not in busy]
