"""Workers that die, or lose their lease, at any place of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from tests.knowledge.interruptions import Killed, before, kill, once
from tests.support.workflows import Studio
from workflows.engine import execution, family
from workflows.models import StepRun, StepType, WorkflowRun
from workflows.services import running
from workflows.steps.base import Outcome, Output, Step, StepContext, StepError, object_schema
from workflows.steps.registry import step_types

TRANSFORM: dict[str, Any] = {"key": "a", "type": "transform", "config": {"values": {"n": "1"}}}


class Outside(Step):
    """Notes each effect, and does what the test wants then."""

    type = StepType.NOTIFY
    purpose = "Do something outside."
    config_schema = object_schema()
    output_schema = {"type": "string"}
    touches_outside = True

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.then: Callable[[], object] | None = None

    def run(self, context: StepContext) -> Outcome:
        self.effects.append(context.idempotency_key)
        if self.then:
            self.then()
        return Output("done")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    step = Outside()
    monkeypatch.setitem(step_types(), StepType.NOTIFY, step)
    yield step


def die_in(studio: Studio, name: str, module: Any = execution) -> None:
    """Let the worker die just before the named function."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        before(patch, module, name, once(kill))
        studio.work()
    studio.end_leases()


@pytest.mark.parametrize("name", ["perform", "end_run"])
def test_a_step_without_effects_is_simply_done_again(studio: Studio, name: str):
    run = studio.start(studio.published([TRANSFORM, {**TRANSFORM, "key": "b"}]))
    die_in(studio, name)
    studio.work()
    assert studio.reread(run).output_json == {"n": 1}
    assert [row.tries for row in studio.steps(run)] == [1, 1]
    assert sum(row.was_interrupted for row in studio.steps(run)) == 1


EFFECT: dict[str, Any] = {"key": "send", "type": "notify"}


@pytest.mark.parametrize(
    ("on_error", "state", "effects"),
    [({}, JobState.ERROR, 1), ({"retries": 1}, JobState.DONE, 2), ({"then": "continue"}, JobState.DONE, 1)],
)
def test_an_effect_in_flight_is_treated_as_its_on_error_says(
    studio: Studio, outside: Outside, on_error: Any, state: str, effects: int
):
    run = studio.start(studio.published([{**EFFECT, "on_error": on_error}, TRANSFORM]))
    outside.then = once(kill)
    with pytest.raises(Killed):
        studio.work()
    studio.end_leases()
    studio.work()
    studio.end_waits()
    studio.work()
    assert studio.reread(run).state == state
    row = studio.steps(run)[0]
    assert row.was_interrupted
    assert len(outside.effects) == effects
    assert len(set(outside.effects)) == 1
    if state == JobState.ERROR:
        assert studio.reread(run).error_code == "step_interrupted"
        running.retry_run(studio.reread(run), actor=studio.person.actor)
        studio.work()
        assert studio.reread(run).state == JobState.DONE
        assert len(set(outside.effects)) == 1


def test_each_iteration_has_an_idempotency_key_of_its_own(studio: Studio, outside: Outside):
    steps = [
        EFFECT,
        {"key": "again", "type": "condition", "config": {"if": "has(steps.a.output)", "then": "end"}},
        TRANSFORM,
        {"key": "back", "type": "condition", "config": {"if": "true", "then": "send"}},
        {"key": "end", "type": "end"},
    ]
    run = studio.run(steps)
    assert outside.effects == [f"{run.pk}-send-1", f"{run.pk}-send-2"]


def test_a_worker_that_lost_its_lease_writes_nothing(studio: Studio, outside: Outside):
    run = studio.start(studio.published([EFFECT, TRANSFORM]))

    def take_over() -> None:
        with tenant_scope(studio.tenant_id):
            WorkflowRun.objects.filter(pk=run.pk).update(attempt=7)

    outside.then = once(take_over)
    studio.work_once()
    (row,) = studio.steps(run)
    assert row.state == JobState.RUNNING
    assert studio.reread(run).attempt == 7


def test_cancelling_during_a_step_ends_the_run(studio: Studio, outside: Outside):
    run = studio.start(studio.published([EFFECT, TRANSFORM]))
    outside.then = once(lambda: running.cancel_run(run, actor=studio.person.actor))
    studio.work()
    assert studio.reread(run).state == JobState.CANCELLED
    assert [row.state for row in studio.steps(run)] == [JobState.CANCELLED]


def test_pausing_during_a_step_stops_after_it(studio: Studio, outside: Outside):
    run = studio.start(studio.published([EFFECT, EFFECT | {"key": "again"}]))
    outside.then = once(lambda: running.pause_run(run, actor=studio.person.actor))
    studio.work()
    assert [row.state for row in studio.steps(run)] == [JobState.DONE, JobState.QUEUED]
    running.resume_run(run, actor=studio.person.actor)
    studio.work()
    assert studio.reread(run).state == JobState.DONE
    assert len(outside.effects) == 2


def test_errors_are_retried_with_backoff(studio: Studio, outside: Outside):
    def fail() -> None:
        raise StepError("outbound_timeout", host="example.org")

    outside.then = fail
    run = studio.run([{**EFFECT, "on_error": {"retries": 2, "wait_seconds": 60}}])
    waits = []
    for _ in range(2):
        waiting = studio.reread(run)
        assert waiting.state == JobState.QUEUED
        assert waiting.available_at
        waits.append((waiting.available_at - waiting.updated_at).total_seconds())
        studio.end_waits()
        studio.work()
    assert 40 < waits[0] < 80 < waits[1] < 160
    assert studio.reread(run).error_code == "outbound_timeout"
    assert (len(outside.effects), len(set(outside.effects))) == (3, 1)


def test_a_step_that_kills_each_of_its_workers_ends_the_run(studio: Studio):
    run = studio.start(studio.published([TRANSFORM, {**TRANSFORM, "key": "b"}]))
    for _ in range(5):
        die_in(studio, "perform")
    studio.work()
    ended = studio.reread(run)
    assert (ended.state, ended.error_code) == (JobState.ERROR, "worker_died")
    assert studio.steps(run)[0].state == JobState.ERROR


def test_a_parent_is_woken_although_the_worker_of_a_child_dies(studio: Studio):
    child = studio.published([TRANSFORM])
    config = {"items": "[1, 2]", "workflow": str(child.pk)}
    run = studio.start(studio.published([{"key": "each", "type": "iterate", "config": config}]))
    for module, name in ((family, "start_children"), (execution, "end_run"), (family, "tell_parent")):
        die_in(studio, name, module)
    studio.work()
    assert studio.reread(run).output_json == [{"n": 1}, {"n": 1}]
    with tenant_scope(studio.tenant_id):
        assert WorkflowRun.objects.filter(parent=run).count() == 2
        assert StepRun.objects.filter(run__parent=run).count() == 2


def test_no_transaction_is_open_while_a_step_runs(studio: Studio, outside: Outside):
    states: list[bool] = []
    outside.then = lambda: states.append(connection.in_atomic_block)
    studio.run([EFFECT])
    assert states == [False]
