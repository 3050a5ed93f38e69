"""The state of a tenant, in a form that can be compared with that of another one."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import F, Max, Q

from core.isolation.scope import tenant_scope
from engines.vectors import Filter
from knowledge.models import Chunk, Document, DocumentStatus, IngestionJob, JobKind
from tests.knowledge.libraries import default_ports

PAGE_SIZE = 5000


@dataclass(frozen=True, slots=True)
class State:
    status: str
    code: str
    texts: tuple[str, ...]


def states(tenant_id: UUID) -> dict[str, State]:
    """Return the documents' states by external id."""
    with tenant_scope(tenant_id):
        texts = defaultdict[UUID, list[str]](list)
        chunks = Chunk.objects.filter(document__deleted_at__isnull=True).order_by("position")
        for document_id, text in chunks.values_list("document_id", "text"):
            texts[document_id].append(text)
        documents = list(Document.objects.defer("text"))
    return {
        one.external_id: State(one.processed_status, one.error_code, tuple(texts[one.pk]))
        for one in documents
    }


def ids_in_error(tenant_id: UUID, *codes: str) -> list[UUID]:
    with tenant_scope(tenant_id):
        failed = Document.objects.filter(processed_status=DocumentStatus.ERROR, error_code__in=codes)
        return list(failed.values_list("pk", flat=True))


def stuck(tenant_id: UUID) -> list[str]:
    """Return waiting documents, and unfinished jobs."""
    waiting = (DocumentStatus.PENDING, DocumentStatus.PROCESSING)
    with tenant_scope(tenant_id):
        documents = Document.objects.filter(processed_status__in=waiting).values_list(
            "external_id", flat=True
        )
        jobs = IngestionJob.objects.unfinished()
        return [*documents, *(str(job) for job in jobs)]


def doubled_chunks(tenant_id: UUID) -> list[str]:
    """Return chunks with the position of another one, of a deleted document, or of a generation that is not published."""
    with tenant_scope(tenant_id):
        published = Q(generation=F("document__generation"), document__deleted_at__isnull=True)
        stale = Chunk.objects.exclude(published).values_list("pk", flat=True)
        positions = Counter(Chunk.objects.order_by().values_list("document_id", "position"))
        duplicates = [str(position) for position, count in positions.items() for _ in range(count - 1)]
        return [*map(str, stale), *duplicates]


def points(tenant_id: UUID) -> list[UUID]:
    ports, ids, after = default_ports(), list[UUID](), None
    while page := ports.store.scroll(tenant_id, ports.collection, Filter(), after=after, limit=PAGE_SIZE):
        ids += [point.id for point in page]
        after = ids[-1]
    return ids


def chunks(tenant_id: UUID) -> list[UUID]:
    with tenant_scope(tenant_id):
        return list(Chunk.objects.values_list("pk", flat=True))


def max_attempts(tenant_id: UUID) -> int:
    with tenant_scope(tenant_id):
        ingests = IngestionJob.objects.filter(kind=JobKind.INGEST)
        return int(ingests.aggregate(max=Max("attempt"))["max"] or 0)


def wait_until_done(tenant_id: UUID, seconds: float) -> bool:
    """Wait until no job is unfinished, purges included. Return False after a timeout."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(DatabaseError), tenant_scope(tenant_id):
            if not IngestionJob.objects.unfinished().exists():
                return True
        time.sleep(0.1)
    return False
