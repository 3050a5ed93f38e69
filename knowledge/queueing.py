"""Queueing work on documents. All of it is called inside a scope, by services."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F

from core.bulk_sql import insert_instances
from jobs.queue import notify_workers
from jobs.states import JobState
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind

QUEUE = "ingest"


def enqueue(documents: Sequence[Document], kind: JobKind = JobKind.INGEST) -> None:
    """New jobs for the documents' file generations; rings once for all of them, after the commit."""
    insert_instances(
        [
            IngestionJob(
                document=document,
                generation=document.file_generation,
                kind=kind,
                available_at="now",  # to PostgreSQL, whose clock all workers share
            )
            for document in documents
        ]
    )
    if documents:
        transaction.on_commit(partial(notify_workers, QUEUE))


def requeue(documents: Sequence[Document]) -> None:
    """Cancel what is being made of these locked documents, and queue the next generation. A job is never started over, so
    that its attempts, and the ids of its points, are used once."""
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
    enqueue(documents)


def cancel_unfinished(document_ids: Sequence[UUID]) -> None:
    """Cancel the documents' ingestion: a worker that has claimed it finds that it does not hold the job any more."""
    jobs = IngestionJob.objects.filter(document_id__in=document_ids, kind=JobKind.INGEST)
    jobs.unfinished().locked().finish(JobState.CANCELLED)


def lock_documents(document_ids: Sequence[UUID]) -> None:
    """Documents are locked before their jobs, and in primary-key order, to avoid deadlocks."""
    documents = Document.with_deleted.filter(pk__in=document_ids).order_by("pk")
    list(documents.select_for_update(no_key=True).values_list("pk"))
