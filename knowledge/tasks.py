"""Celery tasks."""

from __future__ import annotations

from celery import shared_task

from knowledge.ingestion.ingest import sweep_work_folder
from knowledge.services import file_uploads


@shared_task(queue="maintenance", ignore_result=False)
def sweep_work_files() -> int:
    """Remove the unpacked files of workers that were killed; return how many folders there were."""
    return sweep_work_folder()


@shared_task(queue="maintenance", ignore_result=False)
def clear_uploads() -> int:
    """Remove the parts of uploads that have ended. Returns the number of uploads."""
    return file_uploads.clear_uploads()
