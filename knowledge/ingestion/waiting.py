"""Seeing queued documents to their end: by the running workers, or here and now where there are none."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from celery import current_app
from django.db import connection

from core.isolation.scope import tenant_scope
from knowledge.ingestion.work import work
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind

THREADS = 4
POLL_SECONDS = 0.25
TRUST_SECONDS = 30.0  # then it is asked again whether there are workers
Told = Callable[[int], None]


def workers_are_running() -> bool:
    try:
        return bool(current_app.control.ping(timeout=1.0, limit=1))
    except Exception:  # whatever keeps Redis from answering: nobody hears the bell
        return False


def see_through(tenant_id: UUID, told: Told) -> None:
    """Until none of the tenant's jobs is unfinished. `told` hears their number from time to time."""
    while unfinished(tenant_id):
        if not workers_are_running():
            return work_here(tenant_id, told)
        _poll(tenant_id, told, until=time.monotonic() + TRUST_SECONDS)
    return None


def _poll(tenant_id: UUID, told: Told, until: float) -> None:
    while time.monotonic() < until and (left := unfinished(tenant_id)):
        told(left)
        time.sleep(POLL_SECONDS)


def work_here(tenant_id: UUID, told: Told) -> None:
    """As `see_through`, in threads of this process."""

    def drain() -> None:
        try:
            while (claimed := work(tenant_id)) or unfinished(tenant_id):
                if not claimed:
                    time.sleep(POLL_SECONDS)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS, thread_name_prefix="ingest") as pool:
        threads = [pool.submit(drain) for _ in range(THREADS)]
        while not all(thread.done() for thread in threads):
            told(unfinished(tenant_id))
            time.sleep(POLL_SECONDS)
        for thread in threads:
            thread.result()


def unfinished(tenant_id: UUID) -> int:
    """Purges aside: nobody need wait for those."""
    with tenant_scope(tenant_id):
        return IngestionJob.objects.all().unfinished().filter(kind=JobKind.INGEST).count()


def states(tenant_id: UUID, document_ids: Sequence[UUID]) -> list[Document]:
    """The documents and their members, without their text."""
    with tenant_scope(tenant_id):
        found = list(Document.objects.filter(pk__in=document_ids).defer("text"))
        level = found
        while level := list(Document.objects.filter(container__in=[d.pk for d in level]).defer("text")):
            found += level
    return found


def failures(documents: Sequence[Document]) -> list[dict[str, str]]:
    return [
        {"file": document.external_id, "code": document.error_code, "detail": document.error_detail}
        for document in documents
        if document.processed_status == DocumentStatus.ERROR
    ]
