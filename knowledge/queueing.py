"""Queueing work on documents. Services call these functions inside a scope."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from core.bulk_sql import insert_instances
from jobs.queue import notify_workers
from jobs.states import JobState
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind

QUEUE = "ingest"


def enqueue(
    documents: Sequence[Document],
    kind: JobKind = JobKind.INGEST,
    *,
    in_background: bool = False,
    run_id: UUID | None = None,
) -> None:
    """Queue a job for each document's file generation; notify the workers once, after the commit."""
    insert_instances(
        [
            IngestionJob(
                document=document,
                generation=document.file_generation,
                kind=kind,
                in_background=in_background,
                run_id=run_id,
                available_at="now",  # by the clock of PostgreSQL, which all workers share
            )
            for document in documents
        ]
    )
    if documents:
        transaction.on_commit(partial(notify_workers, QUEUE))


def requeue(documents: Sequence[Document], *, in_background: bool = False) -> None:
    """Cancel the ingestion of these locked documents, and queue their next generation. A job is never restarted, so that
    no attempt number and no point id is used twice."""
    ids = [document.pk for document in documents]
    cancel_unfinished(ids)
    Document.objects.filter(pk__in=ids).update(
        file_generation=F("file_generation") + 1,
        processed_status=DocumentStatus.PENDING,
        error_code="",
        error_detail="",
    )
    for document in documents:
        document.file_generation += 1
    enqueue(documents, in_background=in_background)


def cancel_unfinished(document_ids: Sequence[UUID]) -> None:
    """Cancel the documents' ingestion. A worker that has claimed such a job loses its lease."""
    jobs = IngestionJob.objects.filter(document_id__in=document_ids, kind=JobKind.INGEST)
    jobs.unfinished().locked().finish(JobState.CANCELLED)


def row_versions(document_id: UUID) -> tuple[str, str] | None:
    """The transactions that last changed the document and its newest ingestion: cheaper than reading the rows to compare
    them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT xmin::text, (SELECT xmin::text FROM ingestion_jobs WHERE document_id = documents.id"
            " AND kind = %s ORDER BY created_at DESC LIMIT 1) FROM documents WHERE id = %s",
            [JobKind.INGEST, document_id],
        )
        versions: tuple[str, str] | None = cursor.fetchone()
        return versions


def lock_documents(document_ids: Sequence[UUID]) -> None:
    """Documents are locked before their jobs, and in primary-key order, to avoid deadlocks."""
    documents = Document.with_deleted.filter(pk__in=document_ids).order_by("pk")
    list(documents.select_for_update(no_key=True).values_list("pk"))
