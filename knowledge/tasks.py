"""Celery's doors to the pipeline: one service call each."""

from __future__ import annotations

from celery import shared_task

from knowledge.ingestion import jobs
from knowledge.ingestion.work import sweep_work_folder, work_for_anyone

# So many workers are woken at most; each wakes the next one as soon as it has found work.
RINGS = 8


@shared_task
def work() -> int:
    """Process a batch of due jobs of some tenant."""
    return work_for_anyone()


@shared_task(queue="maintenance")
def sweep_jobs() -> int:
    """Ring while there is due work: lost rings, dead workers, ended back-offs. The number of tenants that have some."""
    sweep_work_folder()
    tenants = jobs.tenants_with_due_jobs()
    for _ in tenants[:RINGS]:
        jobs.ring()
    return len(tenants)
