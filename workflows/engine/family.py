"""A run and the runs that its steps have started, level by level: a parent is locked before its children, and rows of a
level in the order of their keys. To be called inside a scope."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from jobs.querysets import JobQuerySet
from jobs.states import JobState
from workflows.engine.waking import notify_after_commit, wake
from workflows.models import Approval, ApprovalState, StepRun, StepType, WorkflowRun

FAILED = (JobState.ERROR, JobState.CANCELLED)


def lock_parents(runs: Sequence[WorkflowRun]) -> None:
    WorkflowRun.objects.filter(pk__in={run.parent_id for run in runs if run.parent_id}).lock()


def _locked_levels(run: WorkflowRun) -> Iterator[JobQuerySet[WorkflowRun]]:
    """The unfinished runs of each level, from this one downwards, locked."""
    ids = {run.pk}
    while ids:
        yield WorkflowRun.objects.filter(pk__in=ids)
        ids = WorkflowRun.objects.filter(parent__in=ids).unfinished().lock()


def cancel(run: WorkflowRun, error_code: str = "run_cancelled") -> None:
    """End a locked run that has not ended, with all below it."""
    for level in _locked_levels(run):
        _cancel_steps(level)
        level.finish(
            JobState.CANCELLED, paused_at=None, is_held=False, available_at=None, error_code=error_code
        )
    tell_parent(run)


def cancel_children(step_run: StepRun) -> None:
    """End the runs that a step has started. Its own run is locked."""
    children = WorkflowRun.objects.filter(parent_step=step_run).unfinished()
    for child in children.filter(pk__in=children.lock()):
        cancel(child)


def let_go(step_run: StepRun) -> None:
    """End what a step that ends has started and waits for no longer."""
    if step_run.children_total is not None:
        cancel_children(step_run)
    if step_run.type_enum == StepType.APPROVAL:
        pending = Approval.objects.filter(step_run=step_run, state=ApprovalState.PENDING)
        pending.update(state=ApprovalState.CANCELLED)


def _cancel_steps(runs: JobQuerySet[WorkflowRun]) -> None:
    steps = StepRun.objects.filter(run__in=runs, finished_at=None)
    steps.update(state=JobState.CANCELLED, finished_at=Now())
    pending = Approval.objects.filter(run__in=runs, state=ApprovalState.PENDING)
    pending.update(state=ApprovalState.CANCELLED)


def pause(run: WorkflowRun) -> None:
    """A run that is worked on sees this when its step ends."""
    for level in _locked_levels(run):
        level.update(paused_at=Now())
        level.exclude(state=JobState.RUNNING).wait(None)


def resume(run: WorkflowRun) -> None:
    for level in _locked_levels(run):
        level.update(paused_at=None)
        wake(level)


def revive(runs: JobQuerySet[WorkflowRun]) -> None:
    """Let failed and cancelled runs begin once more, with the steps at which they have ended; they are held until then."""
    at_end = StepRun.objects.filter(run__in=runs, number=F("run__steps_begun"), state__in=FAILED)
    Approval.objects.filter(step_run__in=at_end).delete_rows()
    at_end.update(
        state=JobState.QUEUED, tries=0, error_code="", error_detail="", finished_at=None, started_at=None,
        waits_until=None, signal="", answer_json=None,
    )  # fmt: skip
    runs.update(
        state=JobState.WAITING, is_held=True, available_at=None, finished_at=None, error_code="", error_detail="",
        progress_attempt=F("attempt"),
    )  # fmt: skip


def start_children(step_run: StepRun, at_once: int) -> None:
    """Let the runs that a step has added begin, those that have failed before once more."""
    children = WorkflowRun.objects.filter(parent_step=step_run)
    revive(children.filter(pk__in=children.filter(state__in=FAILED).lock()))
    paused = WorkflowRun.objects.filter(pk=step_run.run_id, paused_at__isnull=False)
    if paused.exists():
        children.unfinished().update(paused_at=Now())
    step_run.children_total, step_run.children_left = children.count(), children.unfinished().count()
    step_run.children_at_once = at_once
    step_run.save(update_fields=["children_total", "children_left", "children_at_once"])
    _release(step_run.pk, at_once)


def tell_parent(run: WorkflowRun) -> None:
    """The run has ended: another one's turn comes, or the parent is woken, if it was the last one. The parent is locked."""
    if not run.parent_step_id:
        return
    step = StepRun.objects.filter(pk=run.parent_step_id)
    step.update(children_left=F("children_left") - 1)
    _release(run.parent_step_id, 1)
    if step.filter(children_left=0).exists():
        wake(WorkflowRun.objects.filter(pk=run.parent_id))


def _release(parent_step_id: UUID, count: int) -> None:
    """The turn of the next held runs comes."""
    held = WorkflowRun.objects.filter(parent_step=parent_step_id, is_held=True).order_by("number")
    released = WorkflowRun.objects.filter(pk__in=list(held.values_list("pk", flat=True)[:count]))
    released.update(is_held=False)
    if released.filter(paused_at=None).update(state=JobState.QUEUED, available_at=Now()):
        notify_after_commit()
