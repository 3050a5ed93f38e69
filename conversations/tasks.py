"""Periodic tasks."""

from __future__ import annotations

from celery import shared_task

from conversations.services import upkeep


@shared_task(queue="maintenance", ignore_result=False)
def end_interrupted_answers() -> int:
    """Returns their number."""
    return upkeep.end_interrupted_answers()


@shared_task(queue="maintenance", ignore_result=False)
def delete_old_conversations() -> int:
    """Returns their number."""
    return upkeep.delete_old_conversations()
