"""New runs, each with its first step: inside a scope."""

from __future__ import annotations

from collections.abc import Sequence

from core.bulk_sql import insert_instances
from jobs.states import JobState
from workflows.definition import Definition
from workflows.models import StepRun, WorkflowRun


def add_runs(runs: Sequence[WorkflowRun], definition: Definition) -> None:
    """Insert runs of one definition, which are not there yet, with their first steps."""
    first = definition.steps[0]
    for run in runs:
        run.step_key, run.steps_begun = first.key, 1
    insert_instances(runs, skip_existing=True)
    steps = [StepRun(run=run, number=1, key=first.key, type_enum=first.type) for run in runs]
    insert_instances(steps, skip_existing=True)


def due_now(run: WorkflowRun) -> WorkflowRun:
    """The run, to be claimed at once, by the clock of PostgreSQL."""
    run.state, run.available_at = JobState.QUEUED, "now"
    return run
