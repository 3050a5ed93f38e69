"""The Celery tasks that work on jobs and sweep them."""

from __future__ import annotations

from celery import shared_task

from jobs.handlers import handlers
from jobs.queue import notify_workers, tenants_with_due_jobs
from jobs.worker import work_for_any_tenant

# Each worker notifies the next one as soon as it has claimed work, so a few messages suffice.
MAX_NOTIFICATIONS = 8


@shared_task
def work(queue: str) -> int:
    """Process a batch of due jobs of some tenant; returns the number of jobs."""
    return work_for_any_tenant(queue)


@shared_task(queue="maintenance")
def sweep_jobs() -> int:
    """Notify workers of due jobs, after lost messages, dead workers and backoffs. Returns the number of tenants with due
    jobs."""
    due = tenants_with_due_jobs(handlers())
    for handler, _ in due[:MAX_NOTIFICATIONS]:
        notify_workers(handler.queue)
    return len(due)
