"""Periodic clean-up."""

from __future__ import annotations

from celery import shared_task

from core import sessions
from core.api.idempotency import purge_answers


@shared_task(queue="maintenance", ignore_result=False)
def purge_idempotency_keys() -> int:
    """Delete the stored responses that have expired; returns their number."""
    return purge_answers()


@shared_task(queue="maintenance", ignore_result=False)
def delete_expired_sessions() -> int:
    """Returns their number."""
    return sessions.delete_expired_sessions()
