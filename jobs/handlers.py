"""How an app's jobs are claimed, worked on and ended. Handlers are announced in the AppConfig."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.utils.module_loading import import_string

from core.apps import oyl_apps
from jobs.models import LeasedJob
from jobs.progress import JobProgress
from jobs.querysets import JobQuerySet

J = TypeVar("J", bound=LeasedJob)


class JobHandler(ABC, Generic[J]):
    """For the jobs of one model. `queue` is a Celery queue; a batch is chosen from up to `claim_limit` due jobs. A stage
    in `unbounded_stages` limits its own time; any other loses its lease when it reports nothing for half an hour."""

    model: type[J]
    queue: str
    claim_limit = 1
    unbounded_stages: frozenset[str] = frozenset()

    def claimable(self) -> JobQuerySet[J]:
        """The due jobs that no other worker is claiming, locked when they are read."""
        rows: JobQuerySet[J] = self.model.objects.due().select_for_update(skip_locked=True, no_key=True)
        return rows

    def batch(self, due: Sequence[J]) -> list[J]:
        """Choose the due jobs that are worked on together; the first of them is included."""
        return list(due[:1])

    def on_claim(self, batch: Sequence[J]) -> dict[str, Any]:
        """Inside the claim's transaction: changes other rows; returns further columns of the jobs to set."""
        return {}

    def lock_subjects(self, jobs: Sequence[J]) -> None:
        """Inside a scope: lock the rows that the jobs are about. They are locked before the jobs, always in the same order,
        to avoid deadlocks."""

    @abstractmethod
    def work(self, tenant_id: UUID, batch: Sequence[J], progress: JobProgress) -> None:
        """Outside of a scope: do the work and finish each job. May raise LeaseLostError, EngineError, or any other."""

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        """The columns that store a job's progress, with their values."""
        return {"stage": stage}

    def tries(self, job: J) -> int:
        """The attempts that count when it is decided whether the job is tried again: all of them, this one included."""
        return job.attempt

    def may_give_up(self, job: J) -> bool:
        """False for work that is repeated until it succeeds."""
        return True

    def facts(self, job: J) -> dict[str, Any]:
        """Inside a scope: what the log's line about a failed job names, in addition to its tenant: ids and the stage."""
        return {}

    def awaited(self) -> JobQuerySet[J]:
        """The jobs that a caller may wait for."""
        rows: JobQuerySet[J] = self.model.objects.all()
        return rows

    def on_failure(self, job: J, code: str, detail: str) -> None:
        """Inside the transaction that ends the job in error: change other rows."""

    def clean_up(self, tenant_id: UUID, jobs: Sequence[J]) -> None:
        """Outside of a scope: called after these jobs have ended in error."""


@cache
def handlers() -> tuple[JobHandler[Any], ...]:
    """All handlers that the apps announce."""
    return tuple(import_string(path)() for config in oyl_apps() for path in config.job_handlers)


def handler_of(model: type[J]) -> JobHandler[J]:
    return next(handler for handler in handlers() if handler.model is model)


def handlers_of(queue: str) -> list[JobHandler[Any]]:
    return [handler for handler in handlers() if handler.queue == queue]
