"""The life cycle of all jobs."""

from __future__ import annotations

from django.db import models


class JobState(models.TextChoices):
    """queued → running → done | error | cancelled
    running → queued: an attempt failed and is tried again after its backoff, or the job was handed back
    running → waiting: for a time (`available_at`) or for a signal (no `available_at`); it holds no worker meanwhile
    waiting → running; queued, running, waiting → cancelled

    A running job whose lease has expired is claimed again without a change of its state.
    """

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING, JobState.WAITING)
