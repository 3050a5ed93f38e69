"""From one step to the next: a single statement, because most of what the engine itself costs is spent here."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from core.isolation.scope import current_tenant_id
from core.json_values import json_text
from jobs.errors import LeaseLostError
from jobs.states import JobState
from workflows.definition import JSON
from workflows.models import StepRun, WorkflowRun

# A run that is paused, or whose turn is over, goes on later. The heartbeat extends the lease: without a change of indexed
# columns, PostgreSQL writes to no index of the run.
_ADVANCE = """
WITH held AS (
    UPDATE workflow_runs SET
        step_key = %(key)s,
        steps_begun = %(number)s,
        progress_attempt = attempt,
        state = CASE WHEN paused_at IS NOT NULL THEN 'waiting' WHEN %(is_turn_over)s THEN 'queued' ELSE state END,
        available_at = CASE
            WHEN paused_at IS NOT NULL THEN NULL WHEN %(is_turn_over)s THEN statement_timestamp() ELSE available_at
        END,
        updated_at = statement_timestamp()
    WHERE tenant_id = %(tenant)s AND id = %(run)s AND attempt = %(attempt)s AND state = 'running'
    RETURNING state = 'running' AS goes_on
), ended AS (
    UPDATE step_runs SET
        state = %(state)s,
        input_json = %(input)s,
        output_json = %(output)s,
        details_json = %(details)s,
        error_code = %(error_code)s,
        error_detail = %(error_detail)s,
        finished_at = statement_timestamp()
    FROM held WHERE tenant_id = %(tenant)s AND id = %(ended)s
)
INSERT INTO step_runs (
    id, tenant_id, created_at, run_id, number, key, type_enum, iteration, state, tries, started_at,
    was_interrupted, details_json, error_code, error_detail, signal, children_at_once, children_left
) SELECT
    %(id)s, %(tenant)s, statement_timestamp(), %(run)s, %(number)s, %(key)s, %(type)s, %(iteration)s,
    CASE WHEN goes_on THEN 'running' ELSE 'queued' END, goes_on::int, CASE WHEN goes_on THEN %(now)s::timestamptz END,
    false, '{}', '', '', '', 1, 0
FROM held RETURNING state, tries, started_at
"""


def advance(run: WorkflowRun, ended: StepRun, following: StepRun, *, is_turn_over: bool) -> None:
    """Inside a scope: store how a step has ended, and begin the following one, or queue it if the run is not to go on now.
    Raises LeaseLostError."""
    values = {
        "tenant": current_tenant_id(),
        "run": run.pk,
        "attempt": run.attempt,
        "is_turn_over": is_turn_over,
        "ended": ended.pk,
        "state": ended.state,
        "input": _jsonb(ended.input_json),
        "output": _jsonb(ended.output_json),
        "details": _jsonb(ended.details_json),
        "error_code": ended.error_code,
        "error_detail": ended.error_detail,
        "id": following.pk,
        "number": following.number,
        "key": following.key,
        "type": following.type_enum,
        "iteration": following.iteration,
        "now": timezone.now(),  # by the clock by which the step's deadline is measured
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, values)
        if (stored := cursor.fetchone()) is None:
            raise LeaseLostError
    state, following.tries, following.started_at = stored
    following.state, following._state.adding = JobState(state), False  # or `save` would insert it once more
    run.step_key, run.steps_begun, run.progress_attempt = following.key, following.number, run.attempt


def _jsonb(value: JSON) -> Any:
    return None if value is None else Jsonb(value, dumps=json_text)
