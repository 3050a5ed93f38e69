"""The project: wires the apps together."""

from oyl.celery import app as celery_app

__all__ = ["celery_app"]
