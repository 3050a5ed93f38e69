"""Periodic clean-up."""

from __future__ import annotations

from celery import shared_task

from workflows.triggers.occurrences import delete_old_events


@shared_task(queue="maintenance", ignore_result=False)
def delete_old_trigger_events() -> int:
    """Returns their number."""
    return delete_old_events()
