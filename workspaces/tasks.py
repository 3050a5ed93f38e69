"""Celery tasks."""

from __future__ import annotations

from celery import shared_task

from workspaces.data_sources.upkeep import remove_files


@shared_task(queue="maintenance", ignore_result=False)
def remove_data_files() -> int:
    """Remove files of data sources that are not needed any more; return how many there were."""
    return remove_files()
