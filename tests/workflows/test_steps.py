"""The steps of workflows."""

from __future__ import annotations

import pytest

from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.support.api_client import Caller, make_caller
from workflows.models import StepRun, WorkflowRun, WorkflowStep


@pytest.fixture
def caller(owner: Person) -> Caller:
    return make_caller(owner)


def create(caller: Caller, route: str, **fields: object) -> str:
    """Return the new object's id."""
    response = caller.post(f"{route}/", fields)
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def test_deleted_step_keeps_its_row_and_leaves_lists(owner: Person, caller: Caller) -> None:
    workspace = create(caller, "workspaces", name="Main")
    workflow = create(caller, "workflows", workspace=workspace, name="Answer")
    deleted, kept = (
        create(caller, "workflow-steps", workflow=workflow, position=position, type_enum="search")
        for position in (1, 2)
    )
    with tenant_scope(owner.tenant_id):
        run = WorkflowRun.objects.create(workflow_id=workflow)
        step_run = StepRun.objects.create(run=run, step_id=deleted, position=1)
    assert caller("delete", f"workflow-steps/{deleted}/").status_code == 204
    steps = caller.get(f"workflow-steps/?workflow={workflow}").json()["results"]
    assert [step["id"] for step in steps] == [kept]
    assert caller.get(f"workflow-steps/{deleted}/").status_code == 404
    with tenant_scope(owner.tenant_id):
        assert WorkflowStep.with_deleted.get(pk=deleted).deleted_at is not None
        assert StepRun.objects.get(pk=step_run.pk).step_id == WorkflowStep.with_deleted.get(pk=deleted).pk


def test_position_of_a_deleted_step_can_be_reused(caller: Caller) -> None:
    workspace = create(caller, "workspaces", name="Main")
    workflow = create(caller, "workflows", workspace=workspace, name="Answer")
    step = {"workflow": workflow, "position": 1, "type_enum": "search"}
    first = create(caller, "workflow-steps", **step)
    assert caller.post("workflow-steps/", step).status_code == 422
    assert caller("delete", f"workflow-steps/{first}/").status_code == 204
    assert create(caller, "workflow-steps", **step) != first
