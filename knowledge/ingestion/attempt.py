"""One attempt at a batch of jobs: what each of its steps works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.actors import Actor
from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.queue import lock_held
from knowledge.models import IngestionJob
from knowledge.pipeline.ports import Ports


def run_of(job: IngestionJob) -> dict[str, str]:
    """For an event of the job: the run of a workflow that has added the file, if one has."""
    return {"run": str(job.run_id)} if job.run_id else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    handler: JobHandler[IngestionJob]
    actor: Actor
    ports: Ports
    progress: JobProgress

    @property
    def tenant_id(self) -> UUID:
        return self.actor.tenant_id

    def lock_held(self, jobs: Sequence[IngestionJob]) -> list[IngestionJob]:
        """Lock, and return, those of the jobs that this attempt still holds. To be called inside a scope."""
        return lock_held(self.handler, jobs)
