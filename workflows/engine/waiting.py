"""What a step waits for, as its row has it: an answer, a signal, a time, or child runs. To be called inside a scope."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from core.querysets import TenantQuerySet
from workflows.definition import StepDefinition
from workflows.engine import children
from workflows.engine.performing import deadline_of
from workflows.models import RunSignal, StepRun, WorkflowRun
from workflows.steps.base import StepError, Waited


def step_of(run: WorkflowRun) -> StepRun:
    """The step at which the run is; `is_at_time` says whether its time has come, by the clock of PostgreSQL."""
    is_at_time = ExpressionWrapper(Q(waits_until__lte=Now()), output_field=BooleanField())
    rows: Any = StepRun.objects.annotate(is_at_time=is_at_time)
    row: StepRun = rows.get(run=run, number=run.steps_begun)
    row.run = run
    return row


def ended(row: StepRun, step: StepDefinition) -> Waited | None:
    """How the wait has ended, if it has. The first signal that it waits for is taken."""
    if row.children_total is not None and not row.children_left:
        return Waited(children=children.results(row))
    if row.answer_json is None and row.signal:
        _take_signal(row)
    if row.answer_json is not None:
        return Waited(value=row.answer_json["value"])
    return Waited(timed_out=True) if getattr(row, "is_at_time") else None  # noqa: B009 (annotated)


def has_ended(row: StepRun) -> bool:
    """Whether what the step is about to wait for is there already."""
    if row.children_total is not None:
        return not row.children_left
    answered = StepRun.objects.filter(pk=row.pk, answer_json__isnull=False)
    return answered.exists() or bool(row.signal and _signals(row).exists())


def is_at_timeout(row: StepRun, step: StepDefinition) -> bool:
    """Whether the time that has come is that of the step's timeout."""
    return bool(step.timeout_seconds and row.waits_until and row.waits_until >= deadline_of(step, row))


def timeout_of(step: StepDefinition) -> StepError:
    return StepError("step_timeout", seconds=step.timeout_seconds or settings.WORKFLOW_STEP_SECONDS)


def _signals(row: StepRun) -> TenantQuerySet[RunSignal]:
    rows: TenantQuerySet[RunSignal] = RunSignal.objects.filter(run=row.run_id, name=row.signal, taken_by=None)
    return rows


def _take_signal(row: StepRun) -> None:
    if signal := _signals(row).order_by("created_at").first():
        RunSignal.objects.filter(pk=signal.pk).update(taken_by=row)
        row.answer_json = {"value": signal.payload_json}
        row.save(update_fields=["answer_json"])
