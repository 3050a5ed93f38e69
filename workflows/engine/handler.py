"""How runs are claimed: one at a time, by workers of a queue of their own, so that no step waits behind ingestion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.querysets import JobQuerySet
from jobs.states import JobState
from workflows.engine import ending, family
from workflows.engine.execution import Execution
from workflows.engine.waking import QUEUE
from workflows.models import StepRun, WorkflowRun


class RunHandler(JobHandler[WorkflowRun]):
    model = WorkflowRun
    queue = QUEUE

    def claimable(self) -> JobQuerySet[WorkflowRun]:
        due = WorkflowRun.objects.due().select_related("workflow")
        rows: JobQuerySet[WorkflowRun] = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        return rows

    def lock_subjects(self, jobs: Sequence[WorkflowRun]) -> None:
        family.lock_parents(jobs)

    def work(self, tenant_id: UUID, batch: Sequence[WorkflowRun], progress: JobProgress) -> None:
        Execution(self, batch[0], progress).go_on()

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        return {}

    def tries(self, job: WorkflowRun) -> int:
        """A run has as many attempts as it takes, if a step ends in one of a few."""
        return job.attempt - job.progress_attempt

    def on_failure(self, job: WorkflowRun, code: str, detail: str) -> None:
        step = StepRun.objects.filter(run=job, number=job.steps_begun, finished_at=None)
        step.update(state=JobState.ERROR, error_code=code, error_detail=detail, finished_at=Now())
        ending.announce(job, JobState.ERROR, code)
