"""Comparing PostgreSQL with the vector store and the file storage, in both directions, one tenant at a time.

Both sides are read in pages ordered by id and merged, so that the memory needed does not grow with them. Nothing is locked.
Every finding is rechecked before it is reported, so that work in progress causes no false alarms; documents with unfinished
jobs are left to those jobs. Unfinished jobs are queried after the stores were read and before the rows are: what a job that
ends in between has changed is then visible in the rows.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple
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
from knowledge.engine_config import default_model, model_for
from knowledge.models import (
    Chunk,
    Document,
    DocumentStatus,
    Embedding,
    IngestionJob,
    Reference,
    StoredFile,
    TagLink,
    UploadPart,
)
from knowledge.pipeline.ports import collection_name
from knowledge.reconcile.findings import Finding, FindingKind, Report, documents_of
from knowledge.reconcile.repair import repair_findings
from knowledge.second_models import removed_models, second_models
from knowledge.storage.files import STORES
from knowledge.used_models import models_of_tenant

PAGE_SIZE = 2000
# A file is stored a moment before its row is written,
FILE_GRACE = timedelta(minutes=5)
# and tags are written to the vector store a moment after their rows.
TAGS_GRACE = timedelta(seconds=2)
CHUNK_COLUMNS = ("pk", "document_id", "generation")


class _ExpectedPoint(NamedTuple):
    """What the point of a chunk should contain."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    tag_ids: frozenset[UUID]


def reconcile(*, actor: Actor, store: VectorStore, repair: bool = False) -> Report:
    """Compare all data of the actor's tenant."""
    actor.require(Role.EDITOR)
    report = Report(tenant_id=actor.tenant_id)
    try:
        report.findings.extend(_point_findings(actor.tenant_id, store))
    except VectorStoreError as error:
        report.problems.append(error.detail)
    report.findings.extend(_file_findings(actor.tenant_id))
    # Documents that wait for a job that does not exist.
    waiting = [DocumentStatus.PENDING, DocumentStatus.PROCESSING]
    jobs = IngestionJob.objects.unfinished().filter(document_id=OuterRef("pk"))
    with tenant_scope(actor.tenant_id):
        stuck = Document.objects.filter(processed_status__in=waiting).exclude(Exists(jobs))
        ids = list(stuck.values_list("pk", flat=True))
    report.findings += [
        Finding(kind=FindingKind.STUCK_DOCUMENT, subject=str(pk), document_id=pk) for pk in ids
    ]
    report.counts = dict(Counter(finding.kind for finding in report.findings))
    if repair and report.findings:
        repair_findings(actor, store, report)
        with tenant_scope(actor.tenant_id):
            record(
                actor=actor, action="tenant.reconciled", new={**report.counts, "repaired": report.repaired}
            )
    return report


class _Collection(NamedTuple):
    """One model's collection, and which references have points there: `answering` ones of all passages, `second` ones of
    those with a vector of the model, and of those in `removed` they are being removed."""

    model: str
    answering: frozenset[UUID]
    second: frozenset[UUID]
    removed: frozenset[UUID]

    @property
    def name(self) -> str:
        return collection_name(self.model)


def _collections(tenant_id: UUID) -> list[_Collection]:
    """Those of all models that vectors were ever made with."""
    with tenant_scope(tenant_id):
        references = Reference.with_deleted.only("pk", "embedding_model")
        answering = {reference.pk: model_for(reference) for reference in references}
        second, removed = second_models(), removed_models()
    models = {default_model(), *answering.values(), *second.values(), *models_of_tenant(tenant_id)}
    return [
        _Collection(one, *(_with_value(rows, one) for rows in (answering, second, removed))) for one in models
    ]


def _with_value(models: Mapping[UUID, str], model: str) -> frozenset[UUID]:
    return frozenset(pk for pk, own in models.items() if own == model)


def _point_findings(tenant_id: UUID, store: VectorStore) -> Iterator[Finding]:
    for collection in _collections(tenant_id):
        expected = _expected_points(tenant_id, collection)
        differences = _compare(_stored_points(tenant_id, store, collection.name), expected, collection.name)
        for page in batched(differences, PAGE_SIZE):
            findings = _recheck_points(tenant_id, store, collection, page)
            if any(finding.kind is FindingKind.WRONG_TAGS for finding in findings):
                time.sleep(TAGS_GRACE.total_seconds())
                findings = _recheck_points(tenant_id, store, collection, findings)
            yield from findings


def _stored_points(tenant_id: UUID, store: VectorStore, collection: str) -> Iterator[StoredPoint]:
    after: UUID | None = None
    while page := store.scroll(tenant_id, collection, Filter(), after=after, limit=PAGE_SIZE):
        yield from page
        after = page[-1].id


def _pages(
    tenant_id: UUID, model: type[Chunk | Document | StoredFile], columns: Sequence[str]
) -> Iterator[list[Any]]:
    """Yield the columns, the first of which is the primary key, in pages ordered by it."""
    page: list[Any] = [(UUID(int=0),)]
    while page:
        with tenant_scope(tenant_id):
            rows = model.objects.filter(pk__gt=page[-1][0]).order_by("pk").values_list(*columns)
            page = list(rows[:PAGE_SIZE])
        yield page


def _expected_points(tenant_id: UUID, collection: _Collection) -> Iterator[_ExpectedPoint]:
    if collection.answering or collection.second:
        for chunks in _pages(tenant_id, Chunk, CHUNK_COLUMNS):
            with tenant_scope(tenant_id):
                page = _points_of(chunks, collection)
            yield from page


def _points_of(chunks: Sequence[tuple[UUID, UUID, int]], collection: _Collection) -> list[_ExpectedPoint]:
    """Return the points that these chunks should have in the collection. To be called inside a scope. These are simple
    queries, because PostgreSQL would scan a whole table for each page of a joined one if its statistics were outdated."""
    ids = [pk for pk, *_ in chunks]
    documents = Document.objects.filter(pk__in={document_id for _, document_id, _ in chunks})
    references = dict(documents.values_list("pk", "reference_id"))
    vectors = Embedding.objects.filter(chunk__in=ids if collection.second else [], model=collection.model)
    with_vector = set(vectors.values_list("chunk_id", flat=True))
    tags: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for pk, tag_id in TagLink.objects.filter(chunk__in=ids).values_list("chunk_id", "tag_id"):
        tags[pk].add(tag_id)
    return [
        _ExpectedPoint(pk, document_id, reference_id, generation, frozenset(tags[pk]))
        for pk, document_id, generation in chunks
        if (reference_id := references.get(document_id)) in collection.answering
        or (reference_id in collection.second and pk in with_vector)
    ]


def _compare(
    stored: Iterator[StoredPoint], expected: Iterator[_ExpectedPoint], collection: str
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


def _finding(kind: FindingKind, point: StoredPoint | _ExpectedPoint, collection: str) -> Finding:
    return Finding(kind=kind, subject=str(point.id), document_id=point.document_id, collection=collection)


def _difference(point: StoredPoint | None, expected: _ExpectedPoint | None) -> FindingKind | None:
    if point is None:
        return FindingKind.MISSING_POINT if expected else None
    if expected is None:
        return FindingKind.ORPHAN_POINT
    if (point.document_id, point.reference_id, point.generation) != expected[1:4]:
        return FindingKind.WRONG_PAYLOAD
    return FindingKind.WRONG_TAGS if frozenset(point.tag_ids) != expected.tag_ids else None


def _recheck_points(
    tenant_id: UUID, store: VectorStore, collection: _Collection, findings: Sequence[Finding]
) -> list[Finding]:
    """Return the findings that still hold, with their current kind. The rows are read before the points, because a job
    removes points before it ends."""
    ids = [UUID(finding.subject) for finding in findings]
    with tenant_scope(tenant_id):
        settled = _without_busy(findings)
        chunks = Chunk.objects.filter(pk__in=ids).order_by().values_list(*CHUNK_COLUMNS)
        expected = {point.id: point for point in _points_of(list(chunks), collection)}
        documents = Document.with_deleted.filter(pk__in=documents_of(findings))
        owners = {pk: own for pk, *own in documents.values_list("pk", "reference_id", "generation")}
    points = _points_by_id(tenant_id, store, collection.name, ids)
    confirmed: list[Finding] = []
    for finding in settled:
        point = points.get(UUID(finding.subject))
        kind = _difference(point, expected.get(UUID(finding.subject)))
        if point and kind is FindingKind.ORPHAN_POINT:
            kind = _kind_of_orphan(point, collection, *owners.get(point.document_id, (None, 0)))
        if kind:
            confirmed.append(replace(finding, kind=kind))
    return confirmed


def _kind_of_orphan(
    point: StoredPoint, collection: _Collection, reference_id: UUID | None, generation: int
) -> FindingKind | None:
    """`reference_id` and `generation` are those of the point's document, if the tenant has it."""
    if reference_id is None:
        return FindingKind.WRONG_TENANT
    if reference_id in collection.removed:
        return None
    if reference_id not in collection.answering | collection.second:
        return FindingKind.STALE_MODEL
    return FindingKind.STALE_GENERATION if point.generation < generation else FindingKind.ORPHAN_POINT


def _points_by_id(
    tenant_id: UUID, store: VectorStore, collection: str, ids: Sequence[UUID]
) -> dict[UUID, StoredPoint]:
    points = store.scroll(tenant_id, collection, Filter(point_ids=tuple(ids)), limit=PAGE_SIZE) if ids else []
    return {point.id: point for point in points}


def _file_findings(tenant_id: UUID) -> Iterator[Finding]:
    missing = (
        Finding(kind=FindingKind.MISSING_FILE, subject=name, document_id=pk)
        for model in (Document, StoredFile)
        for page in _pages(tenant_id, model, ("pk", "file_path"))
        for pk, name in page
        if not default_storage.exists(name)
    )
    yield from _recheck_files(tenant_id, missing, in_use=True)
    stored = (
        Finding(kind=FindingKind.ORPHAN_FILE, subject=name, document_id=store.owner_of(name))
        for store in STORES
        for name in store.all_files(tenant_id)
    )
    for orphan in _recheck_files(tenant_id, stored, in_use=False):
        with suppress(FileNotFoundError):  # removed meanwhile
            if default_storage.get_modified_time(orphan.subject) < timezone.now() - FILE_GRACE:
                yield orphan


def _recheck_files(tenant_id: UUID, findings: Iterable[Finding], *, in_use: bool) -> Iterator[Finding]:
    """Yield the findings whose file is in use, or is not, by a document without unfinished jobs an uploaded file, or
    one that is being uploaded."""
    for page in batched(findings, PAGE_SIZE):
        with tenant_scope(tenant_id):
            settled = _without_busy(page)
            ids = documents_of(page)
            owners = [model.objects.filter(pk__in=ids) for model in (Document, StoredFile)]
            owners.append(UploadPart.objects.filter(upload__in=ids))
            used = {path for rows in owners for path in rows.values_list("file_path", flat=True)}
        yield from (finding for finding in settled if (finding.subject in used) is in_use)


def _without_busy(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings whose documents have no unfinished job. To be called inside a scope."""
    jobs = IngestionJob.objects.unfinished().filter(document_id__in=documents_of(findings))
    busy = set(jobs.values_list("document_id", flat=True))
    return [finding for finding in findings if finding.document_id not in busy]
