"""Claiming, failing and handing back jobs. PostgreSQL holds the jobs; a Celery message only says that a queue has work."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from celery import current_app
from django.db import connection, transaction

from core.error_codes import ERROR_CODES, sentence
from core.isolation.scope import tenant_scope
from core.retry_policies import RetryPolicy
from jobs.handlers import JobHandler
from jobs.models import LeasedJob
from jobs.states import JobState
from jobs.turns import turns

logger = logging.getLogger(__name__)
J = TypeVar("J", bound=LeasedJob)
WORK_TASK = "jobs.tasks.work"
MAX_DETAIL_LENGTH = 10_000
MOST_COUNTED = 10_000


def notify_workers(queue: str) -> None:
    """Send a Celery message: some tenant has due jobs in this queue. If Redis is away, the next sweep sends another one."""
    try:
        current_app.send_task(WORK_TASK, kwargs={"queue": queue}, queue=queue, retry=False)
    except Exception as error:
        logger.warning("could not notify the workers, the next sweep will: %s", error)


def tenants_with_due_jobs(handlers: Iterable[JobHandler[Any]]) -> list[tuple[JobHandler[Any], UUID]]:
    """Those for which the fewest workers work come first, and the tenant of this process's last turn after its equals;
    otherwise the order is random."""
    by_table = {handler.model._meta.db_table: handler for handler in handlers}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job_table, tenant_id, leases FROM oyl_tenants_with_due_jobs(%s)", [list(by_table)]
        )
        due = cursor.fetchall()
    random.shuffle(due)
    due.sort(key=lambda row: (row[2], row[1] == turns().last))
    return [(by_table[table], tenant_id) for table, tenant_id, _ in due]


class DueJobs(NamedTuple):
    """Of a queue, in all tenants: how many jobs are due, of each table at most `MOST_COUNTED`, and the oldest since when."""

    queue: str
    jobs: int
    oldest: datetime | None


def due_jobs(handlers: Iterable[JobHandler[Any]]) -> list[DueJobs]:
    """For operators, who see no tenant's jobs."""
    queues = {handler.model._meta.db_table: handler.queue for handler in handlers}
    found = {queue: DueJobs(queue, 0, None) for queue in queues.values()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job_table, jobs, oldest FROM oyl_due_jobs(%s, %s)", [list(queues), MOST_COUNTED]
        )
        for table, jobs, oldest in cursor.fetchall():
            queue, earlier = queues[table], found[queues[table]]
            times = [time for time in (earlier.oldest, oldest) if time]
            found[queue] = DueJobs(queue, earlier.jobs + jobs, min(times, default=None))
    return list(found.values())


def claim(handler: JobHandler[J], tenant_id: UUID) -> list[J]:
    """Claim due jobs to be worked on together; [] when none is due. Jobs whose lease expired come first: they have waited
    for their turn once already."""
    with tenant_scope(tenant_id):
        free = handler.claimable()
        expired = free.filter(state=JobState.RUNNING)[: handler.claim_limit]
        due = [*expired, *free.exclude(state=JobState.RUNNING)[: handler.claim_limit]]
        for job in filter(lambda job: _is_exhausted(handler, job), due):
            detail = sentence("worker_died", attempts=handler.tries(job))
            end_in_error(handler, job, "worker_died", detail)
        batch = handler.batch([job for job in due if not _is_exhausted(handler, job)])
        columns = handler.on_claim(batch) if batch else {}
        handler.model.objects.filter(pk__in=[job.pk for job in batch]).claim(**columns)
    for job in batch:
        job.attempt += 1
        job.state = JobState.RUNNING
    return batch


def _is_exhausted(handler: JobHandler[J], job: J) -> bool:
    """Whether its worker died in its last attempt: a job that is due while it is running is one whose worker died. For a job
    that failed, `fail` has decided."""
    policy, has_died = ERROR_CODES["worker_died"].retry, job.state == JobState.RUNNING
    return (
        has_died and policy is not None and handler.tries(job) >= policy.attempts and handler.may_give_up(job)
    )


def lock_held(handler: JobHandler[J], jobs: Sequence[J]) -> list[J]:
    """Inside a scope: those of the jobs that the caller still holds, locked with their subjects to the end of the
    transaction."""
    handler.lock_subjects(jobs)
    held = handler.model.objects.held(jobs).lock()
    return [job for job in jobs if job.pk in held]


def fail(handler: JobHandler[J], job: J, code: str, detail: str, retry: RetryPolicy | None) -> bool:
    """Inside a scope: queue the job again after its backoff, or end it in error (True) when `retry` is None or its attempts
    are used up. Nothing happens when the caller does not hold the job any more."""
    if not lock_held(handler, [job]):
        return False
    detail = detail[:MAX_DETAIL_LENGTH]
    if handler.may_give_up(job) and (retry is None or handler.tries(job) >= retry.attempts):
        end_in_error(handler, job, code, detail)
        return True
    delay = (retry or RetryPolicy()).wait(handler.tries(job))
    row = handler.model.objects.filter(pk=job.pk)
    row.queue_again(delay, error_code=code, error_detail=detail)
    return False


def fail_all(
    handler: JobHandler[J],
    tenant_id: UUID,
    jobs: Sequence[J],
    code: str,
    detail: str,
    *,
    retry: RetryPolicy | None,
) -> None:
    """Outside of a scope: `fail` each, in one transaction, and clean up after those that ended."""
    with tenant_scope(tenant_id):
        handler.lock_subjects(jobs)
        ended = [job for job in jobs if fail(handler, job, code, detail, retry)]
    if ended:
        handler.clean_up(tenant_id, ended)


def end_in_error(handler: JobHandler[J], job: J, code: str, detail: str) -> None:
    """Inside a scope: end a job in error, let its handler change other rows, and log one line, without names or texts."""
    handler.model.objects.filter(pk=job.pk).finish(JobState.ERROR, error_code=code, error_detail=detail)
    handler.on_failure(job, code, detail)
    facts = {"tenant": job.tenant_id, "job": job.pk, **handler.facts(job), "error": code}
    line = ", ".join(f"{name} {value}" for name, value in facts.items())
    transaction.on_commit(lambda: logger.warning("failed for good: %s", line, extra=facts))


def hand_back(handler: JobHandler[J], tenant_id: UUID, jobs: Sequence[J]) -> None:
    """Make jobs due at once for other workers. The attempt counts, because the next claim increments the fencing token; so
    the next batch is smaller, until the job is claimed alone."""
    if jobs:
        with tenant_scope(tenant_id):
            handler.model.objects.held(jobs).locked().queue_again(timedelta(0))
        notify_workers(handler.queue)
