"""How ingestion jobs are claimed in batches, worked on and ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID

from audit.services import record
from core.actors import system_actor
from core.isolation.scope import current_tenant_id
from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.querysets import JobQuerySet
from knowledge.engine_config import embedder_named, file_parser, model_for, vector_store
from knowledge.ingestion.attempt import Attempt, run_of
from knowledge.ingestion.ingest import ingest, purge
from knowledge.ingestion.second_vectors import reembed
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind, Reference, Stage
from knowledge.pipeline.ports import Ports
from knowledge.queueing import QUEUE, lock_documents
from knowledge.storage.files import remove_older

# Small jobs are worked on together, so that they share one scope, one embedding batch and one upsert. After each failure a
# batch is divided into so many parts.
BATCH_JOBS = 64
RETRY_PARTS = 8
BATCH_BYTES = 1024 * 1024


class _Kind(NamedTuple):
    """What is done for jobs of a kind."""

    first_stage: Stage
    work: Callable[[Attempt, Sequence[IngestionJob]], None]


KINDS: dict[str, _Kind] = {
    JobKind.INGEST: _Kind(Stage.PARSE, ingest),
    JobKind.PURGE: _Kind(Stage.CLEAN, purge),
    JobKind.REEMBED: _Kind(Stage.EMBED, reembed),
}


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
        """Return the first job, and those of the same kind, attempt and embedding model, up to `BATCH_BYTES`. Jobs that
        failed together are retried in parts, then alone, so that a job that makes others fail soon fails by itself."""
        if not due:
            return []
        similar = [job for job in due if _batch_key(job) == _batch_key(due[0])]
        sizes = accumulate(job.document.size_bytes for job in similar)
        small = [job for job, size in zip(similar, sizes, strict=True) if size <= BATCH_BYTES]
        return small[: max(1, BATCH_JOBS // RETRY_PARTS ** due[0].attempt)] or similar[:1]

    def on_claim(self, batch: Sequence[IngestionJob]) -> dict[str, Any]:
        if batch[0].kind != JobKind.REEMBED:
            Document.objects.filter(pk__in=[job.document_id for job in batch]).update(
                processed_status=DocumentStatus.PROCESSING
            )
        return {"stage": KINDS[batch[0].kind].first_stage}

    def lock_subjects(self, jobs: Sequence[IngestionJob]) -> None:
        lock_documents([job.document_id for job in jobs])

    def work(self, tenant_id: UUID, batch: Sequence[IngestionJob], progress: JobProgress) -> None:
        actor = system_actor(tenant_id, "worker")
        ports = Ports(
            parser=file_parser(), embedder=embedder_named(_model_of(batch[0])), store=vector_store()
        )
        attempt = Attempt(handler=self, actor=actor, ports=ports, progress=progress)
        KINDS[batch[0].kind].work(attempt, batch)

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        return {"stage": stage, **({"chunks_done": done, "chunks_total": total} if total else {})}

    def may_give_up(self, job: IngestionJob) -> bool:
        """Only ingestion: deleted data must be removed, and a reference's second model be given its passages, however long
        the stores are unavailable."""
        return job.kind == JobKind.INGEST

    def facts(self, job: IngestionJob) -> dict[str, Any]:
        stage = IngestionJob.objects.filter(pk=job.pk).values_list("stage", flat=True).first()
        return {"document": job.document_id, "stage": stage}

    def awaited(self) -> JobQuerySet[IngestionJob]:
        """Those that make documents visible."""
        rows: JobQuerySet[IngestionJob] = IngestionJob.objects.filter(kind=JobKind.INGEST)
        return rows

    def on_failure(self, job: IngestionJob, code: str, detail: str) -> None:
        """A document whose generation is already published, and only not cleaned up, is done."""
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
            **run_of(job),
        )

    def clean_up(self, tenant_id: UUID, jobs: Sequence[IngestionJob]) -> None:
        """Keep the file that failed, for a retry, and remove those of earlier generations."""
        for job in jobs:
            remove_older(tenant_id, job.document_id, generation=job.generation, keep=job.document.file_path)


def _batch_key(job: IngestionJob) -> tuple[str, int, str, UUID | None]:
    """Documents that choose the model of their reference are of one reference."""
    reference = job.document.reference
    chooses = job.kind == JobKind.INGEST and reference.embedding_model == Reference.AUTO
    return job.kind, job.attempt, _model_of(job), reference.pk if chooses else None


def _model_of(job: IngestionJob) -> str:
    """The embedding model that the job works with."""
    is_given = job.kind == JobKind.REEMBED
    return str(job.versions["model"]) if is_given else model_for(job.document.reference)
