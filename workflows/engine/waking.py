"""Ending what a run waits for. A run that is woken looks for itself what has ended: waking it without a cause does no
harm."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from jobs.querysets import JobQuerySet
from jobs.queue import notify_workers
from jobs.states import JobState
from workflows.definition import JSON
from workflows.models import StepRun, WorkflowRun

QUEUE = "workflows"


def lock_run(run_id: UUID) -> WorkflowRun:
    """Inside a scope: a run is locked before its step runs, and after its parent. Raises DoesNotExist."""
    run: WorkflowRun = WorkflowRun.objects.select_for_update(no_key=True).get(pk=run_id)
    return run


def wake(runs: JobQuerySet[WorkflowRun]) -> None:
    """Inside a scope: let the waiting ones of these runs be claimed."""
    if runs.filter(state=JobState.WAITING, is_held=False, paused_at=None).update(available_at=Now()):
        notify_after_commit()


def notify_after_commit() -> None:
    transaction.on_commit(partial(notify_workers, QUEUE))


def end_wait(step_run_id: UUID, value: JSON) -> bool:
    """Inside a scope: end the wait of a step, with a value, also if it only is about to wait. False if the step has ended,
    or has got a value before."""
    step_run = StepRun.objects.select_related("run").get(pk=step_run_id)
    run = lock_run(step_run.run_id)
    open_steps = StepRun.objects.filter(pk=step_run_id, finished_at=None, answer_json__isnull=True)
    if not open_steps.update(answer_json={"value": value}):
        return False
    wake(WorkflowRun.objects.filter(pk=run.pk))
    return True
