"""What a tenant has in the end, as far as it can be compared with what another one has."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import F, Max, Q

from core.isolation.scope import tenant_scope
from engines.vectors import Filter
from knowledge.models import Chunk, Document, DocumentStatus, IngestionJob, JobKind
from tests.knowledge.libraries import default_ports

AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class State:
    status: str
    code: str
    texts: tuple[str, ...]


def states(tenant_id: UUID) -> dict[str, State]:
    """By external id."""
    with tenant_scope(tenant_id):
        texts = defaultdict[UUID, list[str]](list)
        shown = Chunk.objects.filter(document__deleted_at__isnull=True).order_by("position")
        for document_id, text in shown.values_list("document_id", "text"):
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
    """Documents that wait, and jobs that were not finished."""
    waiting = (DocumentStatus.PENDING, DocumentStatus.PROCESSING)
    with tenant_scope(tenant_id):
        documents = Document.objects.filter(processed_status__in=waiting).values_list(
            "external_id", flat=True
        )
        jobs = IngestionJob.objects.unfinished()
        return [*documents, *(str(job) for job in jobs)]


def doubled_chunks(tenant_id: UUID) -> list[str]:
    """Chunks that stand in another's place, or whose document or generation is not shown."""
    with tenant_scope(tenant_id):
        shown = Q(generation=F("document__generation"), document__deleted_at__isnull=True)
        stale = Chunk.objects.exclude(shown).values_list("pk", flat=True)
        places = Chunk.objects.values_list("document_id", "position").order_by("document_id", "position")
        seen, twice = set[tuple[UUID, int]](), list[str]()
        for place in places:
            twice += [str(place)] if place in seen else []
            seen.add(place)
        return [*map(str, stale), *twice]


def points(tenant_id: UUID) -> list[UUID]:
    ports, found, after = default_ports(), list[UUID](), None
    while page := ports.store.scroll(tenant_id, ports.collection, Filter(), after=after, limit=AT_ONCE):
        found += [point.id for point in page]
        after = found[-1]
    return found


def chunks(tenant_id: UUID) -> list[UUID]:
    with tenant_scope(tenant_id):
        return list(Chunk.objects.values_list("pk", flat=True))


def most_attempts(tenant_id: UUID) -> int:
    with tenant_scope(tenant_id):
        ingests = IngestionJob.objects.filter(kind=JobKind.INGEST)
        return int(ingests.aggregate(most=Max("attempt"))["most"] or 0)


def wait_until_done(tenant_id: UUID, seconds: float) -> bool:
    """Purges included; False when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(DatabaseError), tenant_scope(tenant_id):
            if not IngestionJob.objects.unfinished().exists():
                return True
        time.sleep(0.1)
    return False
