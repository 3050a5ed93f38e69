"""What runs do: steps in order, jumps, waits, errors, and what people do with runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.services import soft_delete_audited
from core.isolation.scope import tenant_scope
from jobs.states import JobState
from tests.support.workflows import Studio
from workflows.definition import draft_of
from workflows.errors import (
    InputInvalidError,
    NotPublishedError,
    RunStateError,
    TooManyRunsError,
    WorkflowInvalidError,
)
from workflows.models import StartedBy, StepRun, Workflow, WorkflowRun, WorkflowStep
from workflows.services import running
from workflows.services.publishing import publish
from workflows.services.yaml_form import export_yaml, import_yaml


def output(row: StepRun) -> Any:
    return row.output_json


def transform(key: str, **values: str) -> dict[str, Any]:
    return {"key": key, "type": "transform", "config": {"values": values}}


def test_steps_run_in_order_and_see_earlier_outputs(studio: Studio):
    run = studio.run(
        [
            transform("double", n="input.n * 2"),
            transform("more", n="steps.double.output.n + 1", run="run.id"),
            {"key": "end", "type": "end", "config": {"output": "steps.more.output.n"}},
            transform("never"),
        ],
        {"n": 20},
    )
    assert (run.state, run.output_json) == (JobState.DONE, 41)
    rows = studio.steps(run)
    assert [(row.number, row.key, row.state, row.tries) for row in rows] == [
        (1, "double", "done", 1),
        (2, "more", "done", 1),
        (3, "end", "done", 1),
    ]
    assert rows[1].input_json == {"config": {"values": {"n": 41, "run": str(run.pk)}}}
    assert output(rows[1])["n"] == 41


def test_the_last_output_is_the_run_s(studio: Studio):
    assert studio.run([transform("only", a="1")]).output_json == {"a": 1}


def test_conditions_and_switches_jump_also_back(studio: Studio):
    run = studio.run(
        [
            transform("count", n="has(steps.count.output) ? steps.count.output.n + 1 : 1"),
            {
                "key": "again",
                "type": "condition",
                "config": {"if": "steps.count.output.n < 3", "then": "count"},
            },
            {
                "key": "which",
                "type": "switch",
                "config": {
                    "value": "steps.count.output.n",
                    "cases": [{"equals": 1, "step": "one"}, {"equals": 3, "step": "three"}],
                    "default": "one",
                },
            },
            transform("one"),
            transform("three", n="'three'"),
        ]
    )
    assert (run.state, run.output_json) == (JobState.DONE, {"n": "three"})
    assert [(row.key, row.iteration) for row in studio.steps(run)] == [
        ("count", 1),
        ("again", 1),
        ("count", 2),
        ("again", 2),
        ("count", 3),
        ("again", 3),
        ("which", 1),
        ("three", 1),
    ]


BAD = {"key": "bad", "type": "transform", "config": {"values": {"n": "input.missing.n"}}}


@pytest.mark.parametrize(
    ("on_error", "expected"),
    [
        ({}, (JobState.ERROR, None, ["bad"])),
        ({"then": "continue", "output": {"n": 0}}, (JobState.DONE, {"n": 0}, ["bad", "next"])),
        ({"then": "goto", "step": "last"}, (JobState.DONE, {"code": "expression_failed"}, ["bad", "last"])),
    ],
)
def test_errors_fail_continue_or_go_elsewhere(studio: Studio, on_error: Any, expected: Any):
    run = studio.run(
        [
            {**BAD, "on_error": on_error},
            {"key": "next", "type": "end", "config": {"output": "steps.bad.output"}},
            transform("last", code="steps.bad.output.error_code"),
        ]
    )
    rows = studio.steps(run)
    assert (run.state, run.output_json, [row.key for row in rows]) == expected
    assert (rows[0].state, rows[0].error_code) == (JobState.ERROR, "expression_failed")
    assert run.error_code == ("expression_failed" if run.state == JobState.ERROR else "")


def test_a_wait_holds_no_worker(studio: Studio):
    run = studio.start(
        studio.published(
            [{"key": "nap", "type": "wait", "config": {"seconds": 3600}}, transform("then", a="1")]
        )
    )
    assert studio.work() == 1
    waiting = studio.reread(run)
    assert (waiting.state, waiting.attempt) == (JobState.WAITING, 1)
    assert studio.work() == 0
    studio.end_waits()
    assert studio.work() == 1
    assert studio.reread(run).output_json == {"a": 1}
    assert studio.steps(run)[0].output_json == {"timed_out": True, "payload": None}


@pytest.mark.parametrize("is_early", [False, True])
def test_a_signal_ends_a_wait_also_if_it_comes_before(studio: Studio, is_early: bool):
    actor = studio.person.actor
    run = studio.start(studio.published([{"key": "nap", "type": "wait", "config": {"signal": "paid"}}]))
    if not is_early:
        studio.work()
    running.signal_run(run, name="other", payload=1, actor=actor)
    running.signal_run(run, name="paid", payload={"sum": 3}, actor=actor)
    running.signal_run(run, name="paid", payload={"sum": 4}, actor=actor)
    studio.work()
    assert studio.reread(run).output_json == {"timed_out": False, "payload": {"sum": 3}}
    with pytest.raises(RunStateError):
        running.signal_run(run, name="paid", payload=None, actor=actor)


def test_a_wait_beyond_the_step_s_timeout_is_an_error(studio: Studio):
    steps = [{"key": "nap", "type": "wait", "config": {"seconds": 100}, "timeout_seconds": 50}]
    run = studio.run(steps)
    assert run.state == JobState.WAITING
    with tenant_scope(studio.tenant_id):
        row = studio.steps(run)[0]
        row.started_at = "2019-01-01T00:00Z"  # type: ignore[assignment]
        row.save()
    studio.end_waits()
    studio.work()
    assert studio.reread(run).error_code == "step_timeout"


def test_pause_and_resume(studio: Studio):
    run = studio.start(studio.published([transform("a"), transform("b", n="1")]))
    actor = studio.person.actor
    running.pause_run(run, actor=actor)
    assert studio.work() == 0
    assert studio.reread(run).state == JobState.WAITING
    running.resume_run(run, actor=actor)
    studio.work()
    assert studio.reread(run).output_json == {"n": 1}
    with pytest.raises(RunStateError):
        running.resume_run(run, actor=actor)


def test_cancelled_run_does_not_go_on(studio: Studio):
    run = studio.run([{"key": "nap", "type": "wait", "config": {"signal": "go"}}])
    running.cancel_run(run, actor=studio.person.actor)
    cancelled = studio.reread(run)
    assert (cancelled.state, cancelled.error_code) == (JobState.CANCELLED, "run_cancelled")
    assert studio.steps(run)[0].state == JobState.CANCELLED
    assert studio.work() == 0


def test_retry_goes_on_at_the_failed_step(studio: Studio):
    steps = [transform("a", at="now"), {"key": "nap", "type": "wait", "config": {"until": "input.when"}}]
    run = studio.run(steps, {"when": "never"})
    assert run.error_code == "no_moment"
    with tenant_scope(studio.tenant_id):
        WorkflowRun.objects.filter(pk=run.pk).update(input_json={"when": "2020-01-01T00:00Z"})
    first = studio.steps(run)[0]
    running.retry_run(run, actor=studio.person.actor)
    studio.work()
    assert studio.reread(run).state == JobState.DONE
    assert studio.steps(run)[0].output_json == first.output_json
    assert len(studio.steps(run)) == 2


def test_a_run_keeps_its_version(studio: Studio):
    workflow = studio.published(
        [{"key": "nap", "type": "wait", "config": {"signal": "go"}}, transform("a", v="1")]
    )
    run = studio.start(workflow)
    studio.work()
    with tenant_scope(studio.tenant_id):
        WorkflowStep.objects.filter(workflow=workflow, key="a").update(config_json={"values": {"v": "2"}})
    publish(workflow, actor=studio.person.actor)
    running.signal_run(run, name="go", payload=None, actor=studio.person.actor)
    studio.work()
    assert studio.reread(run).output_json == {"v": 1}
    again = running.rerun(studio.reread(run), actor=studio.person.actor, started_by=StartedBy.PERSON)
    running.signal_run(again, name="go", payload=None, actor=studio.person.actor)
    studio.work()
    assert studio.reread(again).output_json == {"v": 2}


def test_deleting_a_workflow_ends_its_runs_and_keeps_their_history(studio: Studio):
    nap = [{"key": "nap", "type": "wait", "config": {"signal": "go"}}]
    inner = studio.published(nap)
    config = {"workflow": str(inner.pk)}
    own, outer = studio.run(nap), studio.run([{"key": "sub", "type": "sub_workflow", "config": config}])
    for run in (own, outer):
        assert run.state == JobState.WAITING
    soft_delete_audited(actor=studio.person.actor, instances=[own.workflow, inner])
    studio.work()
    ended = studio.reread(own)
    assert (ended.state, ended.error_code) == (JobState.CANCELLED, "workflow_deleted")
    assert studio.reread(outer).error_code == "child_failed"
    with tenant_scope(studio.tenant_id):
        assert not WorkflowStep.objects.filter(workflow=inner).exists()
        assert [row.key for row in studio.steps(own)] == ["nap"]


def test_a_draft_is_tested_without_publishing(studio: Studio):
    workflow = studio.draft([transform("a", v="input.v")])
    with pytest.raises(NotPublishedError):
        studio.start(workflow)
    run = running.run_draft(workflow, input={"v": 5}, actor=studio.person.actor)
    studio.work()
    tested = studio.reread(run)
    assert (tested.output_json, tested.started_by, str(tested.version)) == ({"v": 5}, "test", "draft")


def test_the_same_idempotency_key_starts_one_run(studio: Studio):
    workflow = studio.published([transform("a")])
    first, second = (studio.start(workflow, idempotency_key="tick 1") for _ in range(2))
    assert first.pk == second.pk
    assert studio.start(workflow, idempotency_key="tick 2").pk != first.pk


def test_input_and_output_are_as_declared(studio: Studio):
    schema = {"properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    output = {"properties": {"m": {"type": "string"}}}
    workflow = studio.published(
        [transform("a", m="input.n")], input_schema_json=schema, output_schema_json=output
    )
    for wrong in ({}, {"n": "one"}, {"n": 0}, [1]):
        with pytest.raises(InputInvalidError):
            studio.start(workflow, wrong)
    run = studio.start(workflow, {"n": 1})
    studio.work()
    assert studio.reread(run).error_code == "output_invalid"


def test_bounds_of_runs(studio: Studio, settings: Any):
    settings.WORKFLOW_STEPS = 10
    loop = [transform("a"), {"key": "b", "type": "condition", "config": {"if": "true", "then": "a"}}]
    run = studio.run(loop)
    assert (run.error_code, len(studio.steps(run))) == ("too_many_steps", 11)
    settings.WORKFLOW_RUNS = 0
    with pytest.raises(TooManyRunsError, match="WORKFLOW_RUNS"):
        studio.start(studio.published([transform("a")]))
    settings.WORKFLOW_RUNS, settings.WORKFLOW_VALUE_MB = 10, 0.001
    double = [transform("a", text="input.a + input.a"), transform("b", n="steps.a.output.size_bytes")]
    long = studio.run(double, {"a": "x" * 900})
    assert output(studio.steps(long)[0]).keys() == {"file", "size_bytes"}
    assert output(studio.steps(long)[1])["n"] > 1800
    with pytest.raises(InputInvalidError, match="more than"):
        studio.start(studio.published([transform("a")]), {"a": "x" * 2000})


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"key": "a", "type": "transform"}, "lacks 'values'"),
        (transform("a", n="input.n +"), "ends too early"),
        (transform("a", n="steps.b.output"), "'b'"),
        ({"key": "a", "type": "condition", "config": {"if": "true", "then": "b"}}, "There is no step 'b'"),
        ({"key": "a", "type": "wait"}, "Say how long"),
        ({**transform("a"), "on_error": {"then": "goto"}}, "Say in 'step'"),
        ({**transform("a"), "instruction": "Hello"}, "no instruction"),
        (
            {
                "key": "a",
                "type": "sub_workflow",
                "config": {"workflow": "019a0000-0000-7000-8000-000000000000"},
            },
            "There is no workflow",
        ),
    ],
)
def test_what_cannot_run_is_not_published(studio: Studio, step: Any, problem: str):
    with pytest.raises(WorkflowInvalidError, match=problem):
        publish(studio.draft([step]), actor=studio.person.actor)


def test_a_workflow_survives_its_form_as_yaml(studio: Studio):
    inner = studio.published([transform("a", v="1")])
    steps = [
        {
            "key": "sub",
            "type": "sub_workflow",
            "config": {"workflow": str(inner.pk), "input": {"x": "input.x"}},
        },
        {
            "key": "nap",
            "type": "wait",
            "config": {"until": "'2020-01-01T00:00Z'"},
            "on_error": {"retries": 2},
        },
    ]
    workflow = studio.draft(steps, input_schema_json={"properties": {"x": {"type": "string"}}})
    with tenant_scope(studio.tenant_id):
        text = export_yaml(workflow)
        assert str(inner.pk) not in text
        imported = import_yaml(
            text.replace(workflow.name, "Imported"), workspace=studio.workspace, actor=studio.person.actor
        )
        assert draft_of(imported) == draft_of(workflow)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &a [1]\nb: *a", "alias"),
        ("name: [", "no valid YAML"),
        ("name: x", "lacks 'steps'"),
        ("name: x\nsteps: [{key: a, type: nothing}]", "'steps.0.type'"),
        ("name: x\nsteps: [{key: A B, type: end}]", "small letters"),
        ("name: x\nsteps: [{key: a, type: end}, {key: a, type: end}]", "this key already"),
        ("name: x\nsteps: [{key: a, type: sub_workflow, config: {workflow: Y}}]", "no workflow 'Y'"),
        ("!!python/object/apply:os.system ['true']", "no valid YAML"),
    ],
)
def test_yaml_that_is_no_workflow_is_refused(studio: Studio, text: str, problem: str):
    with pytest.raises(WorkflowInvalidError, match=problem):
        import_yaml(text, workspace=studio.workspace, actor=studio.person.actor)
    with tenant_scope(studio.tenant_id):
        assert not Workflow.objects.exists()


def test_each_step_costs_few_statements(studio: Studio):
    def statements(number: int) -> int:
        run = studio.start(studio.published([transform(f"s{n}") for n in range(number)]))
        with CaptureQueriesContext(connection) as queries:
            assert studio.work_once() == 1
        assert studio.reread(run).state == JobState.DONE
        return len(queries)

    # BEGIN, the change from one step to the next, COMMIT.
    assert statements(12) - statements(2) <= 10 * 3
