"""Periodic work on what tenants leave behind."""

from __future__ import annotations

from celery import shared_task

from tenants.api.idempotency import purge_answers


@shared_task
def purge_idempotency_keys() -> int:
    """Remove the answers that are no longer given again."""
    return purge_answers()
