"""The project: wires the apps together. The web process, Celery's processes and the commands import it first."""

from core.process_start import prepare_process

prepare_process()

from oyl.celery import app as celery_app  # noqa: E402 (imports libraries)

__all__ = ["celery_app"]
