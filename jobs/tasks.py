"""Celery's doors to the queues."""

from __future__ import annotations

from celery import shared_task

from jobs.handlers import handlers
from jobs.queue import notify_workers, tenants_with_due_jobs
from jobs.worker import work_for_any_tenant

# So many workers are woken at most; each wakes the next one as soon as it has claimed work.
MAX_NOTIFICATIONS = 8


@shared_task
def work(queue: str) -> int:
    """Process a batch of due jobs of some tenant; the number of jobs."""
    return work_for_any_tenant(queue)


@shared_task(queue="maintenance")
def sweep_jobs() -> int:
    """Ring while there is due work: for lost rings, dead workers and ended backoffs; the number of tenants that have it."""
    due = tenants_with_due_jobs(handlers())
    for handler, _ in due[:MAX_NOTIFICATIONS]:
        notify_workers(handler.queue)
    return len(due)
