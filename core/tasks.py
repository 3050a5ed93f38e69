"""Periodic work on what tenants leave behind."""

from __future__ import annotations

from celery import shared_task

from core.api.idempotency import purge_answers


@shared_task(queue="maintenance", ignore_result=False)
def purge_idempotency_keys() -> int:
    """Remove the answers that are no longer given again."""
    return purge_answers()
