"""Jobs: claimed by a conditional UPDATE, held by a heartbeat, fenced by their attempt, finished exactly once.

PostgreSQL is the truth. Redis only carries a doorbell: "this tenant has work". A lost ring is rung again by the sweeper.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import accumulate
from uuid import UUID

from celery import current_app
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.services import record
from core.actors import system_actor
from core.bulk_sql import insert_instances
from core.isolation.scope import current_tenant_id, tenant_scope
from knowledge.errors import JOB_ERRORS, LeaseLostError
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind, JobState, Stage
from knowledge.querysets import from_now

logger = logging.getLogger(__name__)
Tell = Callable[..., None]
MAX_ATTEMPTS = 5
HEARTBEAT_SECONDS = 10.0
REPORT_SECONDS = 0.5
# A stage that is not heard of for so long hangs; but for parsing, which the parser bounds itself, page by page.
SILENCE_SECONDS = 1800.0
# Small jobs are worked on together, so that one scope, one embedding batch and one upsert serve them all; after each
# failure in so many parts.
BATCH_JOBS = 64
PARTS = 8
BATCH_BYTES = 1024 * 1024


def enqueue(documents: Sequence[Document], kind: JobKind = JobKind.INGEST) -> None:
    """Inside a scope: new jobs for the documents' file generations; rings once for all of them, after the commit."""
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
        transaction.on_commit(ring)


def make_anew(documents: Sequence[Document]) -> None:
    """Inside a scope, the documents locked: give up what is being made of them, and queue a generation after it. A job
    is never started over, so that its attempts, and the ids of its points, are nobody else's."""
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


def ring() -> None:
    """Wake a worker: somebody has work, the database knows who. Without Redis nothing is lost: the sweeper rings again."""
    try:
        current_app.send_task("knowledge.tasks.work", retry=False)
    except Exception as error:
        logger.warning("could not ring, the sweeper will: %s", error)


def tenants_with_due_jobs() -> list[UUID]:
    """In no order: whoever takes the first one is fair to all, however many jobs each has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oyl_tenants_with_due_jobs()")
        tenants = [row[0] for row in cursor.fetchall()]
    random.shuffle(tenants)
    return tenants


def claim(tenant_id: UUID) -> list[IngestionJob]:
    """Jobs of one kind that are now the caller's, their documents at hand; [] when nothing is due."""
    with tenant_scope(tenant_id):
        due = IngestionJob.objects.all().due().select_related("document__reference").defer("document__text")
        free = due.select_for_update(skip_locked=True, of=("self", "document"), no_key=True)
        # What a dead worker left comes first: it has waited for its turn once already.
        states = (JobState.RUNNING, JobState.QUEUED)
        locked = [job for state in states for job in free.filter(state=state)[:BATCH_JOBS]]
        give_up([job for job in locked if _is_over(job)])
        batch = _batch([job for job in locked if not _is_over(job)])
        stage = Stage.CLEAN if batch and batch[0].kind == JobKind.PURGE else Stage.PARSE
        IngestionJob.objects.all().filter(pk__in=[job.pk for job in batch]).claim(stage)
        Document.objects.filter(pk__in=[job.document_id for job in batch]).update(
            processed_status=DocumentStatus.PROCESSING
        )
    for job in batch:
        job.attempt += 1
        job.state = JobState.RUNNING
    return batch


def _batch(due: Sequence[IngestionJob]) -> list[IngestionJob]:
    """The first job, and with it those that fit: same kind, same number of attempts, small together. What failed
    together is tried in parts, then alone: so whatever is wrong with one of them is soon harm to no other."""
    if not due:
        return []
    alike = [job for job in due if (job.kind, job.attempt) == (due[0].kind, due[0].attempt)]
    sizes = accumulate(job.document.size_bytes for job in alike)
    small = [job for job, size in zip(alike, sizes, strict=True) if size <= BATCH_BYTES]
    return small[: max(1, BATCH_JOBS // PARTS ** due[0].attempt)] or alike[:1]


def _is_over(job: IngestionJob, *, retryable: bool = True) -> bool:
    """No more attempts. A purge has always one more: what was deleted must go, however long the stores are away."""
    return job.kind == JobKind.INGEST and (not retryable or job.attempt >= MAX_ATTEMPTS)


def give_up(jobs: Sequence[IngestionJob]) -> None:
    """Jobs whose worker died at each of their attempts."""
    for job in jobs:
        end_in_error(job, "worker_died", JOB_ERRORS["worker_died"])


@contextmanager
def heartbeat(tenant_id: UUID, jobs: Sequence[IngestionJob]) -> Iterator[Tell]:
    """Extend the jobs' leases in the background, for as long as the block runs, and tells how far it is by what it is
    given (`report` for these jobs, but not more often than anybody looks). A block that hangs loses them."""
    stop = threading.Event()
    deadline, due = time.monotonic() + SILENCE_SECONDS, time.monotonic() + REPORT_SECONDS

    def tell(stage: Stage, **counts: int) -> None:
        nonlocal deadline, due
        now = time.monotonic()
        deadline = math.inf if stage == Stage.PARSE else now + SILENCE_SECONDS
        if now >= due:
            due = now + REPORT_SECONDS
            report(tenant_id, jobs, stage, **counts)

    def beat() -> None:
        while not stop.wait(HEARTBEAT_SECONDS) and time.monotonic() < deadline:
            try:
                with tenant_scope(tenant_id):
                    IngestionJob.objects.all().held(jobs).locked().extend()
            except DatabaseError as error:
                logger.warning("no heartbeat, the database does not answer: %s", error)
            finally:
                connection.close()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        stop.set()
        thread.join()


def report(tenant_id: UUID, jobs: Sequence[IngestionJob], stage: Stage, **counts: int) -> None:
    """Say how far the jobs are. Raises LeaseLostError when none of them is the caller's any more."""
    with tenant_scope(tenant_id):
        if jobs and not IngestionJob.objects.all().held(jobs).locked().extend(stage=stage, **counts):
            raise LeaseLostError


def lock_held(jobs: Sequence[IngestionJob]) -> list[IngestionJob]:
    """Those of the jobs that are still the caller's, locked to the end of the caller's transaction."""
    lock_documents([job.document_id for job in jobs])
    mine = IngestionJob.objects.all().held(jobs).lock()
    return [job for job in jobs if job.pk in mine]


def lock_documents(document_ids: Sequence[UUID]) -> None:
    """Inside a scope. Documents are locked before their jobs, and in the order of their ids: so nobody who waits for
    somebody is waited for."""
    documents = Document.with_deleted.filter(pk__in=document_ids).order_by("pk")
    list(documents.select_for_update(no_key=True).values_list("pk"))


def fail(job: IngestionJob, code: str, detail: str, *, retryable: bool) -> bool:
    """Inside a scope: try again later, or end in error (True); nothing when the job is no longer the caller's."""
    if not lock_held([job]):
        return False
    if _is_over(job, retryable=retryable):
        end_in_error(job, code, detail)
        return True
    IngestionJob.objects.filter(pk=job.pk).update(
        state=JobState.QUEUED,
        available_at=from_now(backoff(job.attempt)),
        error_code=code,
        error_detail=detail,
    )
    return False


def hand_back(tenant_id: UUID, jobs: Sequence[IngestionJob]) -> None:
    """Due again at once, for others. Their attempt counts, as it fences off this one: so they are fewer together next,
    and soon alone, when none is handed back any more."""
    if jobs:
        with tenant_scope(tenant_id):
            held = IngestionJob.objects.all().held(jobs).locked()
            held.update(state=JobState.QUEUED, available_at=Now())
        ring()


def backoff(attempt: int) -> timedelta:
    """Two seconds after the first attempt, then four times longer each time up to an hour, give or take a quarter."""
    return timedelta(seconds=min(2 * 4 ** (attempt - 1), 3600) * random.uniform(0.75, 1.25))  # noqa: S311


def end_in_error(job: IngestionJob, code: str, detail: str) -> None:
    """Inside a scope. A document that shows this generation already, and only has leftovers, is none the worse."""
    IngestionJob.objects.all().filter(pk=job.pk).finish(JobState.ERROR, error_code=code, error_detail=detail)
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


def cancel_unfinished(document_ids: Sequence[UUID]) -> None:
    """Inside a scope: whoever works on these documents finds that the work is no longer theirs."""
    jobs = IngestionJob.objects.all().filter(document_id__in=document_ids, kind=JobKind.INGEST)
    jobs.unfinished().locked().finish(JobState.CANCELLED)
