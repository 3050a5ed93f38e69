"""Periodic work on operators' visits."""

from __future__ import annotations

from celery import shared_task

from tenants.services import visits


@shared_task(queue="maintenance", ignore_result=False)
def end_expired_visits() -> int:
    """Returns their number."""
    return visits.end_expired_visits()
