"""Periodic clean-up, and the upkeep of quotas."""

from __future__ import annotations

from celery import shared_task

from core import sessions
from core.api.idempotency import purge_answers
from core.limits import delete_ended
from core.quota_upkeep import add_up_uses, correct_stored


@shared_task(queue="maintenance", ignore_result=False)
def purge_idempotency_keys() -> int:
    """Delete the stored responses that have expired; returns their number."""
    return purge_answers()


@shared_task(queue="maintenance", ignore_result=False)
def delete_expired_sessions() -> int:
    """Returns their number."""
    return sessions.delete_expired_sessions()


@shared_task(queue="maintenance", ignore_result=False)
def delete_ended_rows() -> int:
    """Returns the number of rows."""
    return delete_ended()


@shared_task(queue="maintenance", ignore_result=False)
def add_up_quotas() -> int:
    """Add up the rows that count uses; returns the number of tenants."""
    return add_up_uses()


@shared_task(queue="maintenance", ignore_result=False)
def correct_quotas() -> int:
    """Correct what is counted as stored by what is there; returns the number of corrections."""
    return correct_stored()
