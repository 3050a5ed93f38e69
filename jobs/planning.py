"""Work that is repeated: the next job of a schedule is queued, and becomes due at its time, with jitter, so that schedules
that were made at the same time do not run at the same time for ever. A schedule has one unfinished job at most."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import partial
from typing import TypeVar

from django.db import transaction

from jobs.models import LeasedJob
from jobs.querysets import JobQuerySet, from_now
from jobs.queue import notify_workers
from jobs.states import JobState

J = TypeVar("J", bound=LeasedJob)
JITTER = 0.1


def plan_next(job: LeasedJob, every_minutes: int | None) -> None:
    """Inside a scope, when no job of the schedule is unfinished: save this one as the next, if there is an interval."""
    if every_minutes:
        seconds = every_minutes * 60 * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        job.available_at = from_now(timedelta(seconds=seconds))
        job.save()


def plan_again(rows: JobQuerySet[J], job: J, every_minutes: int | None) -> None:
    """Inside a scope: after the interval has changed. `rows` are all jobs of the schedule."""
    unfinished = rows.unfinished()
    unfinished.filter(state=JobState.QUEUED, attempt=0).delete_rows()
    if not unfinished.all().exists():
        plan_next(job, every_minutes)


def run_now(rows: JobQuerySet[J], job: J, queue: str) -> J:
    """Inside a scope: the job that is under way, or the next one, which is due at once; `job` if there is none."""
    unfinished = rows.unfinished()
    found: J | None = unfinished.select_for_update(no_key=True).first()
    if found is None:
        job.save()
    elif found.state == JobState.QUEUED:
        unfinished.queue_again(timedelta(0))
    transaction.on_commit(partial(notify_workers, queue))
    return found or job


def without_planned(rows: JobQuerySet[J]) -> JobQuerySet[J]:
    """Without those of a schedule that are not due yet."""
    return rows.exclude(state=JobState.QUEUED, attempt=0, available_at__gt=from_now(timedelta(minutes=1)))
