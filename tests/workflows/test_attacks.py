"""What hostile or unlucky people, clocks and texts do to runs, approvals, schedules and imports."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from tests.knowledge.interruptions import before, once
from tests.support.api_client import Caller
from tests.support.workflows import Studio
from tests.workflows.triggering import EVERY_MINUTE, add_trigger, react
from workflows.engine import children as engine_children
from workflows.engine.execution import Execution
from workflows.models import Approval, ApprovalState, StepRun, TriggerEvent, TriggerKind, WorkflowRun
from workflows.services import running
from workflows.services.approvals import decide
from workflows.services.triggers import save_trigger
from workflows.triggers import webhooks

NAP: list[dict[str, Any]] = [{"key": "nap", "type": "wait", "config": {"signal": "go"}}]


def over_items(studio: Studio, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    config = {"items": "input.items", "workflow": str(studio.published(steps).pk), "at_once": 3}
    return [{"key": "each", "type": "iterate", "config": config}]


def children_of(studio: Studio, run: WorkflowRun) -> list[WorkflowRun]:
    with tenant_scope(studio.tenant_id):
        return list(WorkflowRun.objects.filter(parent=run).order_by("number"))


@pytest.mark.parametrize("text", ["x" * 200_000, "", " \n"])
def test_a_question_of_any_length_can_be_decided(studio: Studio, text: str):
    config = {"question": "{{ input.text }}"}
    run = studio.start(
        studio.published([{"key": "ask", "type": "approval", "config": config}]), {"text": text}
    )
    studio.work()
    with tenant_scope(studio.tenant_id):
        approval = Approval.objects.get(run=run)
    decide(approval, actor=studio.person.actor, approve=True)
    studio.work()
    assert studio.reread(run).state == JobState.DONE
    assert 0 < len(approval.question.strip()) <= 10_000


@pytest.mark.parametrize("then", [{}, {"then": "continue"}])
def test_nobody_is_asked_any_more_when_the_step_has_timed_out(studio: Studio, then: dict[str, Any]):
    """As waiting forms that stay open in other engines, whose answers lead nowhere."""
    step = {
        "key": "ask",
        "type": "approval",
        "config": {"question": "Well?"},
        "timeout_seconds": 60,
        "on_error": then,
    }
    run = studio.run([step, {"key": "end", "type": "end"}])
    with tenant_scope(studio.tenant_id):
        long_ago = timezone.now() - timedelta(hours=1)
        StepRun.objects.filter(run=run).update(started_at=long_ago)
    studio.end_waits()
    with tenant_scope(studio.tenant_id):
        StepRun.objects.filter(run=run, finished_at=None).update(waits_until=long_ago + timedelta(seconds=60))
    studio.work()
    assert studio.steps(run)[0].error_code == "step_timeout"
    with tenant_scope(studio.tenant_id):
        assert Approval.objects.get(run=run).state == ApprovalState.CANCELLED


def test_cancelling_while_child_runs_are_added_leaves_no_orphans(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    """As orphaned tasks, which wait for ever in other engines."""
    monkeypatch.setattr(engine_children, "ADDED_AT_ONCE", 1)
    run = studio.start(studio.published(over_items(studio, NAP)), {"items": [1, 2, 3]})
    holds: list[int] = []

    def cancel() -> None:
        running.cancel_run(run, actor=studio.person.actor)
        connections.close_all()

    def cancel_before_the_second_is_added() -> None:
        holds.append(1)
        if len(holds) == 3:  # once when the worker begins, and once for each
            canceller = threading.Thread(target=cancel)
            canceller.start()
            canceller.join()

    before(monkeypatch, Execution, "_hold", cancel_before_the_second_is_added)
    studio.work()
    assert studio.reread(run).state == JobState.CANCELLED
    assert [child.state for child in children_of(studio, run)] == [JobState.CANCELLED]


def test_pausing_while_child_runs_are_added_pauses_them(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    run = studio.start(studio.published(over_items(studio, NAP)), {"items": [1, 2]})
    pause = once(lambda: running.pause_run(run, actor=studio.person.actor))
    before(monkeypatch, engine_children, "add_batch", pause)
    studio.work()
    assert all(child.paused_at and child.steps_begun == 1 for child in children_of(studio, run))
    assert {child.attempt for child in children_of(studio, run)} == {0}
    running.resume_run(run, actor=studio.person.actor)
    studio.work()
    assert {child.attempt for child in children_of(studio, run)} == {1}


def test_iterations_within_iterations_do_not_explode(studio: Studio, settings: Any):
    settings.WORKFLOW_CHILD_RUNS = 20
    inner = studio.published(over_items(studio, NAP))
    config = {
        "items": "[{'items': [1, 2, 3]}, {'items': [1, 2, 3]}]",
        "workflow": str(inner.pk),
        "at_once": 2,
    }
    outer = [{"key": "all", "type": "iterate", "config": config}]
    assert studio.run(outer).state == JobState.WAITING
    config["items"] = "[1, 2, 3, 4].map(n, {'items': [1, 2, 3, 4, 5, 6]})"
    run = studio.run(outer)
    assert "too_many_child_runs" in {child.error_code for child in children_of(studio, run)}
    with tenant_scope(studio.tenant_id):
        assert WorkflowRun.objects.filter(parent__isnull=False).unfinished().count() <= 20


def test_an_output_has_a_largest_size_also_as_a_file(studio: Studio, settings: Any):
    settings.WORKFLOW_VALUE_MB, settings.WORKFLOW_FILE_MB = 0.001, 0.01
    steps = [{"key": "wide", "type": "transform", "config": {"values": {"text": "input.text + input.text"}}}]
    settings.WORKFLOW_VALUE_MB = 0.008
    run = studio.run(steps, {"text": "x" * 7000})
    assert run.error_code == "output_file_too_large"
    assert "WORKFLOW_FILE_MB" in run.error_detail


def test_a_clock_behind_postgresql_loses_no_schedule(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    """The worker's clock says that the tick is still to come, when PostgreSQL has it claimed."""
    trigger = add_trigger(studio, TriggerKind.SCHEDULE, EVERY_MINUTE)
    tick = datetime.now(UTC).replace(second=0, microsecond=0)
    with tenant_scope(studio.tenant_id):
        waiting = TriggerEvent.objects.filter(trigger=trigger, state="queued")
        waiting.update(available_at=tick, key=tick.isoformat(), payload_json={"tick": tick.isoformat()})
    with monkeypatch.context() as behind:
        behind.setattr(timezone, "now", lambda: tick - timedelta(seconds=30))
        assert react(studio) == 1
        save_trigger(trigger, actor=studio.person.actor)
    with tenant_scope(studio.tenant_id):
        assert [event.available_at > tick for event in waiting.all()] == [True]


def test_a_changed_schedule_forgets_the_old_one(studio: Studio):
    trigger = add_trigger(studio, TriggerKind.SCHEDULE, {"cron": "0 0 1 1 *", "timezone": "UTC"})
    trigger.config_json = EVERY_MINUTE
    save_trigger(trigger, actor=studio.person.actor)
    with tenant_scope(studio.tenant_id):
        (event,) = TriggerEvent.objects.filter(trigger=trigger, state="queued")
    assert event.available_at == trigger.next_at
    assert event.available_at < datetime.now(UTC) + timedelta(minutes=2)


YAML = "name: Evil\nsteps:\n- key: a\n  type: end\n  on_error: {then: continue, output: %s}\n"


@pytest.mark.parametrize(
    "value",
    [
        ".inf",
        ".nan",
        "1e400",
        "9" * 5000,
        "!!python/object/apply:os.system [id]",
        "&a [*a]",
        "[" * 5000,
        "2027-01-01",
    ],
)
def test_an_import_is_refused_or_kept_as_it_is(studio: Studio, caller: Caller, value: str):
    data = {"workspace": str(studio.workspace.pk), "yaml": YAML % value}
    answer = caller.post("workflows/import/", data)
    assert answer.status_code in (201, 422), answer.content
    if answer.status_code == 201:
        exported = caller.get(f"workflows/{answer.json()['id']}/export/").json()["yaml"]
        assert value in exported


@pytest.mark.parametrize(
    "body", ['{"a": 1e400}', "[" * 30_000, '{"a": NaN}', '"\\u0000"', '"\\ud800"', "9" * 5000]
)
def test_a_webhook_refuses_what_is_no_json(studio: Studio, client: Any, body: str):
    trigger = add_trigger(studio, TriggerKind.WEBHOOK, {})
    path = "/api/" + webhooks.address_of(trigger).partition("/api/")[2]
    assert client.post(path, body, content_type="application/json").status_code in (400, 422)


def test_credentials_are_not_written_into_headers(studio: Studio, caller: Caller):
    """Where viewers would read them, in steps, runs and exports."""
    workflow = studio.draft([])
    for name in ("Authorization", "X-Api-Key", "Cookie", "Api-Key", "X-Auth-Token", "Proxy-Authorization"):
        step = {
            "workflow": str(workflow.pk),
            "key": "call",
            "position": 1,
            "type_enum": "http_request",
            "config_json": {"url": "https://example.org/", "headers": {name: "secret"}},
        }
        answer = caller.post("workflow-steps/", step)
        assert answer.status_code == 422, name
        assert "integration" in answer.content.decode()
