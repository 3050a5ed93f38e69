"""The end of a run: inside the scope of the worker that holds it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from audit.services import record
from core.actors import system_actor
from jobs.states import JobState
from workflows.engine import family
from workflows.models import WorkflowRun


def end_run(run: WorkflowRun, state: JobState, **columns: Any) -> None:
    """Its parent is locked."""
    WorkflowRun.objects.filter(pk=run.pk).finish(state, available_at=None, **columns)
    announce(run, state, columns.get("error_code", ""))


def announce(run: WorkflowRun, state: JobState, error_code: str = "") -> None:
    """Tell the parent of a run that has ended, or else the audit log."""
    family.tell_parent(run)
    if run.parent_id is None:
        record(
            actor=system_actor(UUID(str(run.tenant_id)), "worker"),
            action="workflow_run.ended",
            target=run,
            workspace_id=run.workflow.workspace_id,
            state=state,
            error_code=error_code,
        )
