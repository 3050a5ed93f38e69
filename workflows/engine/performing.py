"""Running one step: outside of scopes and transactions."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from core.actors import Actor, ActorKind
from core.error_codes import ERROR_CODES
from core.errors import EngineError, OylError
from core.permissions import Role
from jobs.errors import LeaseLostError
from workflows.definition import JSON, StepDefinition
from workflows.engine.memory import Memory
from workflows.engine.outputs import stored
from workflows.expressions import resolved
from workflows.models import StepRun, WorkflowRun
from workflows.steps.base import TEMPLATE, Finish, Jump, Outcome, Output, Step, StepContext, StepError, Waited
from workflows.steps.registry import step_types

logger = logging.getLogger(__name__)


def kind_of(step: StepDefinition) -> Step:
    return step_types()[step.type]


def deadline_of(step: StepDefinition, step_run: StepRun) -> datetime:
    """When the step has taken too long, if it does not wait."""
    seconds = step.timeout_seconds or settings.WORKFLOW_STEP_SECONDS
    return (step_run.started_at or timezone.now()) + timedelta(seconds=seconds)


def perform(
    run: WorkflowRun,
    step: StepDefinition,
    step_run: StepRun,
    memory: Memory,
    *,
    waited: Waited | None,
    deadline: datetime,
) -> Outcome:
    """What the step returns, with its output as it is to be stored; `step_run.input_json` becomes what it got. Raises
    StepError, and what shows that the attempt and not the step has failed, such as LeaseLostError."""
    kind = kind_of(step)
    try:
        step_run.input_json = got = _resolved(kind, step, memory)
        outcome = kind.run(replace(_context(run, step, step_run, got), waited=waited, deadline=deadline))
        return _with_stored_output(outcome, step_run)
    except (StepError, LeaseLostError):
        raise
    except (EngineError, OylError) as error:
        known = ERROR_CODES.get(error.code)
        raise StepError(error.code, str(error), retry=bool(known and known.retry)) from error
    except DatabaseError:
        raise
    except Exception as error:
        logger.exception("step %s of run %s failed", step.key, run.pk)
        raise StepError("internal_error") from error


def _resolved(kind: Step, step: StepDefinition, memory: Memory) -> dict[str, JSON]:
    """The configuration and the instruction, evaluated."""
    schema = {"properties": {"config": kind.config_schema, "instruction": {TEMPLATE: True}}}
    value = {"config": dict(step.config), **({"instruction": step.instruction} if step.instruction else {})}
    found: dict[str, JSON] = resolved(schema, value, memory.names(step.mentioned))
    return found


def _with_stored_output(outcome: Outcome, step_run: StepRun) -> Outcome:
    place = (UUID(str(step_run.tenant_id)), step_run.run_id, str(step_run.pk))
    if isinstance(outcome, Output):
        return replace(outcome, value=stored(outcome.value, *place))
    if isinstance(outcome, Jump | Finish):
        return replace(outcome, output=stored(outcome.output, *place))
    return outcome


def _context(run: WorkflowRun, step: StepDefinition, step_run: StepRun, got: dict[str, JSON]) -> StepContext:
    tenant_id = UUID(str(run.tenant_id))
    return StepContext(
        tenant_id=tenant_id,
        workspace_id=run.workflow.workspace_id,
        run_id=run.pk,
        step_run_id=step_run.pk,
        actor=_actor(run),
        step=step,
        config=got["config"],
        instruction=got.get("instruction", ""),
        iteration=step_run.iteration,
        tries=step_run.tries,
        idempotency_key=f"{run.pk}-{step.key}-{step_run.iteration}",
        deadline=deadline_of(step, step_run),
    )


def _actor(run: WorkflowRun) -> Actor:
    """A run does what editors may do, however it was started."""
    return Actor(
        kind=ActorKind.SYSTEM,
        tenant_id=UUID(str(run.tenant_id)),
        role=Role.EDITOR,
        credential="workflow",
        user_id=run.user_id,
        run_id=run.pk,
    )
