"""Celery's doors to the pipeline: ids in, one service call each."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from knowledge.ingestion import jobs
from knowledge.ingestion import work as worker


@shared_task
def work(tenant_id: str) -> int:
    """Process a batch of the tenant's due jobs."""
    return worker.work(UUID(tenant_id))


@shared_task
def sweep_jobs() -> int:
    """Ring for every tenant with due work: lost rings, dead workers, ended back-offs. The number of tenants."""
    tenants = jobs.tenants_with_due_jobs()
    for tenant_id in tenants:
        jobs.ring(tenant_id)
    return len(tenants)
