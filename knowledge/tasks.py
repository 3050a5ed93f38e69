"""Celery tasks."""

from __future__ import annotations

from celery import shared_task

from knowledge.ingestion.ingest import sweep_work_folder


@shared_task(queue="maintenance")
def sweep_work_files() -> None:
    """Remove the unpacked files of workers that were killed."""
    sweep_work_folder()
