"""Runs and approvals over REST: starting, waiting, following, signals, and who may decide."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from core.isolation.scope import tenant_scope
from core.permissions import Role
from tests.conftest import Person, make_member
from tests.conversations.requests import Events, stream
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.support.workflows import Studio, make_studio
from workflows.models import Approval, Workflow, WorkflowRun

DECLARED = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
DOUBLE: list[dict[str, Any]] = [
    {"key": "double", "type": "transform", "config": {"values": {"n": "input.n * 2"}}},
    {"key": "end", "type": "end", "config": {"output": "steps.double.output.n"}},
]
ASK: list[dict[str, Any]] = [{"key": "ask", "type": "approval", "config": {"question": "Shall we?"}}]


def start(caller: Caller, workflow: Workflow, given: Any, **options: Any) -> Any:
    headers = {"Idempotency-Key": options.pop("key")} if "key" in options else {}
    return caller.post(f"workflows/{workflow.pk}/runs/", {"input": given, **options}, **headers)


def run_of(studio: Studio, pk: Any) -> WorkflowRun:
    with tenant_scope(studio.tenant_id):
        found: WorkflowRun = WorkflowRun.objects.get(pk=pk)
    return found


def test_a_run_is_started_and_read_with_its_steps(studio: Studio, caller: Caller):
    workflow = studio.published(DOUBLE, input_schema_json=DECLARED)
    started = start(caller, workflow, {"n": 2})
    assert started.status_code == 202
    run = started.json()
    assert (run["state"], run["started_by"], run["version"]) == ("queued", "api", 1)
    studio.work()
    done = caller.get(f"workflow-runs/{run['id']}/").json()
    assert (done["state"], done["output_json"]) == ("done", 4)
    steps = caller.get(f"workflow-runs/{run['id']}/steps/").json()["results"]
    assert sorted((step["number"], step["key"], step["state"]) for step in steps) == [
        (1, "double", "done"),
        (2, "end", "done"),
    ]


def test_a_caller_may_wait_for_the_end(studio: Studio, caller: Caller):
    workflow = studio.published(DOUBLE, input_schema_json=DECLARED)

    def work() -> None:
        while not studio.work_once():
            pass
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    answer = start(caller, workflow, {"n": 3}, wait=60)
    worker.join()
    assert (answer.status_code, answer.json()["output_json"]) == (201, 6)


def test_a_request_that_is_sent_again_starts_no_second_run(studio: Studio, caller: Caller):
    workflow = studio.published(DOUBLE, input_schema_json=DECLARED)
    first, second = (start(caller, workflow, {"n": 1}, key="once") for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    with tenant_scope(studio.tenant_id):
        assert WorkflowRun.objects.filter(workflow=workflow).count() == 1


@pytest.mark.parametrize("given", [{"n": "two"}, {}, [], {"n": 1, "wait": 61}])
def test_an_input_that_is_not_as_declared_is_refused(studio: Studio, caller: Caller, given: Any):
    workflow = studio.published(DOUBLE, input_schema_json=DECLARED)
    options = {"wait": 61} if "wait" in given else {}
    assert start(caller, workflow, given, **options).status_code == 422
    with tenant_scope(studio.tenant_id):
        assert not WorkflowRun.objects.filter(workflow=workflow).exists()


def test_a_draft_is_started_only_as_a_test(studio: Studio, caller: Caller):
    workflow = studio.draft(DOUBLE)
    assert_problem(start(caller, workflow, {}), 409, "not_published")
    assert start(caller, workflow, {"n": 1}, test=True).json()["version"] is None


def test_a_run_is_followed_to_its_end(studio: Studio, caller: Caller):
    workflow = studio.published(DOUBLE, input_schema_json=DECLARED)

    def work_once(events: Events) -> None:
        if len(events) == 1:
            studio.work()

    events = stream(caller, "post", f"workflows/{workflow.pk}/runs/", {"input": {"n": 5}}, on=work_once)
    assert {name for name, _ in events} == {"progress"}
    first, last = events[0][1], events[-1][1]
    assert first["run"]["state"] == "queued"
    assert (last["run"]["state"], last["run"]["output_json"]) == ("done", 10)
    assert [step["key"] for step in last["steps"]] == ["double", "end"]
    again = stream(caller, "get", f"workflow-runs/{last['run']['id']}/events/")
    assert [data["run"]["state"] for _, data in again] == ["done"]
    attempt = run_of(studio, last["run"]["id"]).attempt
    seen = caller.get(f"workflow-runs/{last['run']['id']}/events/", **{"Last-Event-ID": str(attempt)})
    assert seen.status_code == 204


def test_runs_are_paused_resumed_cancelled_retried_and_run_again(studio: Studio, caller: Caller):
    run = start(caller, studio.published(ASK), {}).json()["id"]
    studio.work()

    def post(verb: str) -> Any:
        return caller.post(f"workflow-runs/{run}/{verb}/", {})

    assert post("pause").json()["paused_at"] is not None
    assert_problem(caller.post(f"workflow-runs/{run}/retry/", {}), 409, "run_state")
    assert post("resume").json()["paused_at"] is None
    assert post("cancel").json()["state"] == "cancelled"
    assert_problem(post("pause"), 409, "run_state")
    assert post("retry").json()["state"] == "queued"
    again = post("rerun")
    assert (again.status_code, again.json()["id"] == run) == (201, False)


def test_a_signal_wakes_the_step_that_waits_for_it(studio: Studio, caller: Caller):
    workflow = studio.published([{"key": "paid", "type": "wait", "config": {"signal": "paid"}}])
    run = start(caller, workflow, {}).json()["id"]
    studio.work()
    caller.post(f"workflow-runs/{run}/signal/", {"name": "other"})
    assert studio.work() == 0
    caller.post(f"workflow-runs/{run}/signal/", {"name": "paid", "payload": {"amount": 7}})
    studio.work()
    found = caller.get(f"workflow-runs/{run}/").json()
    assert found["output_json"] == {"timed_out": False, "payload": {"amount": 7}}
    refused = caller.post(f"workflow-runs/{run}/signal/", {"name": "paid"})
    assert_problem(refused, 409, "run_state")


def approval_of(studio: Studio, **config: Any) -> Approval:
    """The open question of a run."""
    run = studio.run([{"key": "ask", "type": "approval", "config": {"question": "Shall we?", **config}}])
    with tenant_scope(studio.tenant_id):
        found: Approval = Approval.objects.get(run=run)
    return found


def test_an_approval_is_decided_once(studio: Studio, caller: Caller):
    approval = approval_of(studio)
    path = f"approvals/{approval.pk}/decide/"
    decided = caller.post(path, {"approve": True, "comment": "Go"})
    assert (decided.status_code, decided.json()["state"]) == (200, "approved")
    assert_problem(caller.post(path, {"approve": False}), 409, "run_state")
    studio.work()
    output: Any = run_of(studio, approval.run_id).output_json
    assert (output["decision"], output["comment"]) == ("approved", "Go")


def test_only_those_whom_the_step_names_decide(studio: Studio, stranger: Person):
    editor, viewer = (make_member(studio.tenant_id, role) for role in (Role.EDITOR, Role.VIEWER))
    named = approval_of(studio, role="viewer", people=[str(viewer.user.pk)])
    by_role = approval_of(studio, role="admin")

    def decide(person: Person, approval: Approval) -> int:
        path = f"/api/v1/approvals/{approval.pk}/decide/"
        answer = person.client.post(path, {"approve": True}, content_type="application/json")
        return int(answer.status_code)

    assert decide(editor, named) == 403
    assert decide(editor, by_role) == 403
    assert decide(viewer, by_role) == 403
    assert decide(stranger, named) == 404
    reader = make_caller(studio.person, ("workflows:read",))
    assert reader.post(f"approvals/{by_role.pk}/decide/", {"approve": True}).status_code == 403
    elsewhere = make_studio(studio.person).workspace
    bound = make_caller(studio.person, bound=("workspace", elsewhere.pk))
    assert bound.post(f"approvals/{by_role.pk}/decide/", {"approve": True}).status_code == 404
    assert decide(viewer, named) == 200
    assert decide(studio.person, by_role) == 200


def test_a_key_of_another_workspace_reaches_no_workflow(studio: Studio):
    workflow = studio.published(DOUBLE)
    run = studio.start(workflow, {"n": 1})
    elsewhere = make_studio(studio.person).workspace
    bound = make_caller(studio.person, bound=("workspace", elsewhere.pk))
    assert start(bound, workflow, {"n": 1}).status_code == 404
    for verb in ("cancel", "pause", "resume", "retry", "rerun"):
        assert bound.post(f"workflow-runs/{run.pk}/{verb}/", {}).status_code == 404
    assert bound.get(f"workflow-runs/{run.pk}/events/").status_code == 404
    assert bound.get(f"workflow-runs/{run.pk}/steps/").status_code == 404
