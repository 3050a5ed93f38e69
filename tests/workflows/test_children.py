"""Runs that steps start: so many at once, and the parent is woken once, by the last one."""

from __future__ import annotations

from typing import Any

import pytest

from core.isolation.scope import tenant_scope
from jobs.queue import claim
from jobs.states import JobState
from tests.support.workflows import Studio
from workflows.engine.handler import RunHandler
from workflows.models import Workflow, WorkflowRun
from workflows.services import running
from workflows.services.publishing import publish

SQUARE = [{"key": "square", "type": "transform", "config": {"values": {"n": "input.item * item"}}}]
DOUBLE = [{"key": "double", "type": "transform", "config": {"values": {"n": "input.item * 2"}}}]
NAP = [{"key": "nap", "type": "wait", "config": {"signal": "go"}}]


def iterate(workflow: Workflow, **config: Any) -> list[dict[str, Any]]:
    config = {"items": "input.items", "workflow": str(workflow.pk), **config}
    return [
        {"key": "each", "type": "iterate", "config": config},
        {"key": "end", "type": "end", "config": {"output": "steps.each.output"}},
    ]


def children(studio: Studio, run: WorkflowRun) -> list[WorkflowRun]:
    with tenant_scope(studio.tenant_id):
        return list(WorkflowRun.objects.filter(parent=run.pk).order_by("number"))


def test_an_iteration_runs_so_many_at_once_and_keeps_the_order(studio: Studio):
    square = studio.published(SQUARE)
    run = studio.start(studio.published(iterate(square, at_once=3)), {"items": [1, 2, 3, 4, 5, 6, 7]})
    (claimed,) = claim(RunHandler(), studio.tenant_id)
    studio.end_leases()
    studio.work_once()
    waiting = studio.reread(run)
    assert (waiting.state, waiting.available_at) == (JobState.WAITING, None)
    assert [child.is_held for child in children(studio, run)] == [False] * 3 + [True] * 4
    assert claimed.pk == run.pk
    for _ in range(7):
        studio.work_once()
        due = [child for child in children(studio, run) if child.state == JobState.QUEUED]
        assert len(due) <= 3
    assert studio.work() == 1
    done = studio.reread(run)
    assert done.output_json == [{"n": n * n} for n in range(1, 8)]
    assert done.attempt == 3


def test_a_step_before_the_runs_costs_no_attempt(studio: Studio):
    """The worker begins a step in the statement that ends the one before."""
    square = studio.published(SQUARE)
    run = studio.run([{**SQUARE[0], "config": {"values": {"n": "1"}}}, *iterate(square)], {"items": [2]})
    assert (run.output_json, run.attempt) == ([{"n": 4}], 2)


def test_an_iteration_over_nothing_goes_on(studio: Studio):
    assert studio.run(iterate(studio.published(SQUARE)), {"items": []}).output_json == []


@pytest.mark.parametrize(("on_item_error", "state"), [("fail", JobState.ERROR), ("continue", JobState.DONE)])
def test_a_failed_item_fails_the_step_or_has_no_output(studio: Studio, on_item_error: str, state: str):
    steps = iterate(studio.published(SQUARE), on_item_error=on_item_error)
    run = studio.run(steps, {"items": [1, "two", 3]})
    assert run.state == state
    if state == JobState.DONE:
        assert run.output_json == [{"n": 1}, None, {"n": 9}]
    else:
        assert run.error_code == "child_failed"
        assert "number 2" in run.error_detail


def test_retry_retries_only_the_children_that_failed(studio: Studio):
    run = studio.run(iterate(studio.published(SQUARE)), {"items": [1, "two", 3]})
    with tenant_scope(studio.tenant_id):
        WorkflowRun.objects.filter(parent=run, number=1).update(input_json={"item": 2}, item_json=2)
    running.retry_run(run, actor=studio.person.actor)
    studio.work()
    done = studio.reread(run)
    assert (done.state, done.output_json) == (JobState.DONE, [{"n": 1}, {"n": 4}, {"n": 9}])
    assert [child.attempt for child in children(studio, run)] == [1, 2, 1]


def test_branches_run_in_parallel_and_sub_workflows_return_their_output(studio: Studio):
    square, doubled = (str(studio.published(steps).pk) for steps in (SQUARE, DOUBLE))
    branches = {
        "two": {"workflow": doubled, "input": {"item": "input.n"}},
        "broken": {"workflow": doubled, "input": {"item": "'x'"}},
        "once": {"workflow": str(studio.published(parent_of(square)).pk), "input": {"n": "3"}},
    }
    config = {"branches": branches, "on_branch_error": "continue"}
    run = studio.run([{"key": "both", "type": "parallel", "config": config}], {"n": 2})
    assert run.state == JobState.DONE
    assert run.output_json == {"broken": None, "once": 9, "two": {"n": 4}}


def parent_of(workflow: str) -> list[dict[str, Any]]:
    items = {"items": "[input.n]", "workflow": workflow}
    return [
        {"key": "sub", "type": "iterate", "config": items},
        {"key": "end", "type": "end", "config": {"output": "steps.sub.output[0].n"}},
    ]


def test_a_workflow_that_runs_itself_ends(studio: Studio, settings: Any):
    settings.WORKFLOW_DEPTH = 2
    workflow = studio.published([{"key": "a", "type": "transform", "config": {"values": {}}}])
    with tenant_scope(studio.tenant_id):
        step = workflow.steps.get()
        step.type_enum, step.config_json = "sub_workflow", {"workflow": str(workflow.pk)}
        step.save()
    publish(workflow, actor=studio.person.actor)
    run = studio.start(workflow)
    studio.work()
    ended = studio.reread(run)
    assert ended.error_code == "child_failed"
    assert "WORKFLOW_DEPTH" in ended.error_detail


def test_cancel_pause_and_resume_reach_the_children(studio: Studio):
    actor = studio.person.actor
    run = studio.run(iterate(studio.published(NAP), at_once=2), {"items": [1, 2, 3]})
    running.pause_run(run, actor=actor)
    assert all(child.paused_at for child in children(studio, run))
    for child in children(studio, run)[:2]:
        running.signal_run(child, name="go", payload=None, actor=actor)
    assert studio.work() == 0
    running.resume_run(run, actor=actor)
    studio.work()
    states = [child.state for child in children(studio, run)]
    assert states == [JobState.DONE, JobState.DONE, JobState.WAITING]
    running.cancel_run(run, actor=actor)
    assert children(studio, run)[2].state == JobState.CANCELLED
    assert studio.reread(run).state == JobState.CANCELLED
    assert studio.work() == 0


def test_a_cancelled_child_does_not_leave_its_parent_waiting(studio: Studio):
    run = studio.run(iterate(studio.published(NAP), on_item_error="continue"), {"items": [1]})
    running.cancel_run(children(studio, run)[0], actor=studio.person.actor)
    studio.work()
    assert studio.reread(run).output_json == [None]
