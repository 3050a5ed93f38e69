"""Ingestion jobs, as the workers see them: how they are claimed together, and what ends with them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any
from uuid import UUID

from audit.services import record
from core.actors import system_actor
from core.isolation.scope import current_tenant_id
from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.querysets import JobQuerySet
from knowledge.engine_config import embedder_for, file_parser, vector_store
from knowledge.ingestion.attempt import Attempt
from knowledge.ingestion.ingest import ingest, purge
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind, Stage
from knowledge.pipeline.ports import Ports
from knowledge.queueing import QUEUE, lock_documents
from knowledge.storage.files import remove_older

# Small jobs are worked on together, so that one scope, one embedding batch and one upsert serve them all; after each
# failure in so many parts.
BATCH_JOBS = 64
PARTS = 8
BATCH_BYTES = 1024 * 1024


class IngestionHandler(JobHandler[IngestionJob]):
    model = IngestionJob
    queue = QUEUE
    claim_limit = BATCH_JOBS
    unbounded_stages = frozenset({Stage.PARSE})  # the parser limits each page

    def claimable(self) -> JobQuerySet[IngestionJob]:
        due = IngestionJob.objects.due().select_related("document__reference").defer("document__text")
        rows: JobQuerySet[IngestionJob] = due.select_for_update(
            skip_locked=True, of=("self", "document"), no_key=True
        )
        return rows

    def batch(self, due: Sequence[IngestionJob]) -> list[IngestionJob]:
        """The first job, and those that fit to it: same kind, number of attempts and embedding model, small together. What
        failed together is tried in parts, then alone: so a job that makes others fail soon fails by itself."""
        if not due:
            return []
        alike = [job for job in due if _likeness(job) == _likeness(due[0])]
        sizes = accumulate(job.document.size_bytes for job in alike)
        small = [job for job, size in zip(alike, sizes, strict=True) if size <= BATCH_BYTES]
        return small[: max(1, BATCH_JOBS // PARTS ** due[0].attempt)] or alike[:1]

    def on_claim(self, batch: Sequence[IngestionJob]) -> dict[str, Any]:
        Document.objects.filter(pk__in=[job.document_id for job in batch]).update(
            processed_status=DocumentStatus.PROCESSING
        )
        return {"stage": Stage.CLEAN if batch[0].kind == JobKind.PURGE else Stage.PARSE}

    def lock_subjects(self, jobs: Sequence[IngestionJob]) -> None:
        lock_documents([job.document_id for job in jobs])

    def work(self, tenant_id: UUID, batch: Sequence[IngestionJob], progress: JobProgress) -> None:
        actor = system_actor(tenant_id, "worker")
        embedder = embedder_for(batch[0].document.reference)
        ports = Ports(parser=file_parser(), embedder=embedder, store=vector_store())
        attempt = Attempt(handler=self, actor=actor, ports=ports, progress=progress)
        if batch[0].kind == JobKind.PURGE:
            purge(attempt, batch)
        else:
            ingest(attempt, batch)

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        return {"stage": stage, **({"chunks_done": done, "chunks_total": total} if total else {})}

    def may_give_up(self, job: IngestionJob) -> bool:
        """What was deleted must go, however long the stores are away."""
        return job.kind == JobKind.INGEST

    def awaited(self) -> JobQuerySet[IngestionJob]:
        """Purges aside: deleted documents cannot be seen any more."""
        rows: JobQuerySet[IngestionJob] = IngestionJob.objects.filter(kind=JobKind.INGEST)
        return rows

    def on_failure(self, job: IngestionJob, code: str, detail: str) -> None:
        """A document that answers from this generation already, and only has leftovers, is done all the same."""
        document = Document.objects.filter(pk=job.document_id, file_generation=job.generation)
        document.filter(generation=job.generation).update(processed_status=DocumentStatus.DONE)
        document.exclude(generation=job.generation).update(
            processed_status=DocumentStatus.ERROR, error_code=code, error_detail=detail
        )
        record(
            actor=system_actor(current_tenant_id(), "worker"),
            action="document.failed",
            target=job.document,
            workspace_id=job.document.reference.workspace_id,
            code=code,
            generation=job.generation,
        )

    def clean_up(self, tenant_id: UUID, jobs: Sequence[IngestionJob]) -> None:
        """The file that failed stays, to be tried again; those of earlier generations have no use any more."""
        for job in jobs:
            remove_older(tenant_id, job.document_id, generation=job.generation, keep=job.document.file_path)


def _likeness(job: IngestionJob) -> tuple[str, int, str]:
    return job.kind, job.attempt, job.document.reference.embedding_model
