"""Starting runs, and what people and programs do with them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from audit.services import record
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.json_schema import problems
from core.permissions import Role
from jobs.states import UNFINISHED, JobState
from workflows.definition import JSON, Definition, definition_of, draft_of
from workflows.engine import family
from workflows.engine.outputs import is_too_long
from workflows.engine.starting import add_runs, due_now
from workflows.engine.waking import lock_run, notify_after_commit, wake
from workflows.errors import InputInvalidError, NotPublishedError, RunStateError, TooManyRunsError
from workflows.models import RunSignal, StartedBy, StepRun, Trigger, Workflow, WorkflowRun, WorkflowVersion
from workflows.services.publishing import add_version, published_version

POLL_SECONDS, SLOWEST_POLL_SECONDS = 0.05, 1.0


def start_run(
    workflow: Workflow,
    *,
    input: JSON,
    actor: Actor,
    started_by: StartedBy,
    trigger: Trigger | None = None,
    idempotency_key: str = "",
    version: WorkflowVersion | None = None,
    rounds: int = 0,
) -> WorkflowRun:
    """Start a run of the published version, or of a given one; with the `idempotency_key` of an earlier run, return that.
    Raises ForbiddenError, NotPublishedError, InputInvalidError, TooManyRunsError, QuotaExceededError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        if idempotency_key:
            Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
            if earlier := workflow.runs.filter(idempotency_key=idempotency_key).first():
                return earlier
        version = version or published_version(workflow)
        if version is None:
            raise NotPublishedError
        definition = definition_of(version.pk)
        _check_input(definition, input)
        _check_number_of_runs()
        run = WorkflowRun(
            workflow=workflow,
            version=version,
            started_by=started_by,
            user_id=actor.user_id,
            trigger=trigger,
            idempotency_key=idempotency_key,
            input_json=input,
            rounds=rounds,
        )
        add_runs([due_now(run)], definition)
        _record(actor, run, "started", started_by=started_by, version=version.number)
        notify_after_commit()
        run.refresh_from_db()
    return run


def run_draft(workflow: Workflow, *, input: JSON, actor: Actor) -> WorkflowRun:
    """Start a run of the steps as they are edited now. Raises WorkflowInvalidError, and as `start_run`."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        version = add_version(workflow, draft_of(workflow), number=None)
        return start_run(
            workflow, input=input, actor=actor, started_by=StartedBy.TEST, version=version
        )  # fmt: skip


def rerun(run: WorkflowRun, *, actor: Actor, started_by: StartedBy) -> WorkflowRun:
    """Start another run with the same input: of the published version, or of the same draft. Raises as `start_run`."""
    with tenant_scope(actor.tenant_id):
        draft = run.version if run.version.number is None else None
        return start_run(
            run.workflow, input=run.input_json, actor=actor, started_by=started_by, version=draft
        )  # fmt: skip


def cancel_run(run: WorkflowRun, *, actor: Actor) -> None:
    """End the run, with all that its steps started. Nothing happens if it has ended. Raises ForbiddenError."""
    with _changing(run, actor) as locked:
        if locked.state in UNFINISHED:
            family.cancel(locked)
            _record(actor, locked, "cancelled")


def pause_run(run: WorkflowRun, *, actor: Actor) -> None:
    """Let no further step of the run and of its child runs begin. Raises ForbiddenError, RunStateError."""
    with _changing(run, actor) as locked:
        if locked.state not in UNFINISHED:
            raise RunStateError("The run has ended. Only one that is under way can be paused.")
        if locked.paused_at is None:
            family.pause(locked)
            _record(actor, locked, "paused")


def resume_run(run: WorkflowRun, *, actor: Actor) -> None:
    """Let a paused run go on. Raises ForbiddenError, RunStateError."""
    with _changing(run, actor) as locked:
        if locked.paused_at is None or locked.state not in UNFINISHED:
            raise RunStateError("The run is not paused.")
        family.resume(locked)
        _record(actor, locked, "resumed")


def retry_run(run: WorkflowRun, *, actor: Actor) -> None:
    """Let a failed or cancelled run go on at the step at which it has ended. Raises ForbiddenError, RunStateError."""
    with _changing(run, actor) as locked:
        if locked.state not in (JobState.ERROR, JobState.CANCELLED):
            raise RunStateError("Only a run that has failed or was cancelled can be retried.")
        if locked.parent_id:
            raise RunStateError("Another run started this one. Retry that run, which retries this one, too.")
        _check_number_of_runs()
        family.revive(WorkflowRun.objects.filter(pk=locked.pk))
        WorkflowRun.objects.filter(pk=locked.pk).update(
            state=JobState.QUEUED, is_held=False, available_at=Now()
        )
        notify_after_commit()
        _record(actor, locked, "retried")


def signal_run(run: WorkflowRun, *, name: str, payload: JSON, actor: Actor) -> None:
    """Send a signal. The next step that waits for one of this name takes it, or one that does so already. Raises
    ForbiddenError, RunStateError, InputInvalidError."""
    if is_too_long(payload):
        raise InputInvalidError(f"The payload has more than {settings.WORKFLOW_VALUE_MB:g} MB.")
    with _changing(run, actor) as locked:
        if locked.state not in UNFINISHED:
            raise RunStateError("The run has ended: no step waits for a signal.")
        RunSignal.objects.create(run=locked, name=name, payload_json=payload)
        if StepRun.objects.filter(run=locked, number=locked.steps_begun, signal=name).exists():
            wake(WorkflowRun.objects.filter(pk=locked.pk))
        _record(actor, locked, "signalled", signal=name)


def wait_for_run(run: WorkflowRun, seconds: float) -> WorkflowRun:
    """The run as it is when it has ended, or after this time."""
    pause, deadline = POLL_SECONDS, time.monotonic() + seconds
    while True:
        with tenant_scope(UUID(str(run.tenant_id))):
            found: WorkflowRun = WorkflowRun.objects.get(pk=run.pk)
        if found.state not in UNFINISHED or time.monotonic() >= deadline:
            return found
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(pause * 1.5, SLOWEST_POLL_SECONDS)


@contextmanager
def _changing(run: WorkflowRun, actor: Actor) -> Iterator[WorkflowRun]:
    """A scope in which the run is locked."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        family.lock_parents([run])
        yield lock_run(run.pk)


def _check_input(definition: Definition, value: JSON) -> None:
    if is_too_long(value):
        raise InputInvalidError(f"The input has more than {settings.WORKFLOW_VALUE_MB:g} MB.")
    if found := problems({"type": "object", **definition.input_schema}, value):
        raise InputInvalidError(" ".join(found))


def _check_number_of_runs() -> None:
    """Runs that start at the same time may exceed the limit by their number."""
    under_way = WorkflowRun.objects.filter(parent=None, state__in=UNFINISHED).count()
    if under_way >= settings.WORKFLOW_RUNS:
        raise TooManyRunsError(
            f"{under_way:,} runs of the organisation are under way, which is the limit (WORKFLOW_RUNS). Wait until some "
            "have ended, or cancel them."
        )


def _record(actor: Actor, run: WorkflowRun, verb: str, **payload: Any) -> None:
    workspace_id = run.workflow.workspace_id
    action = f"workflow_run.{verb}"
    record(actor=actor, action=action, target=run, workspace_id=workspace_id, **payload)
