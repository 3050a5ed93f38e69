"""The steps of workflows."""

from __future__ import annotations

import pytest

from tests.conftest import Person
from tests.support.api_client import Caller, make_caller


@pytest.fixture
def caller(owner: Person) -> Caller:
    return make_caller(owner)


def create(caller: Caller, route: str, **fields: object) -> str:
    """Return the new object's id."""
    response = caller.post(f"{route}/", fields)
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def test_position_and_key_of_a_deleted_step_can_be_reused(caller: Caller) -> None:
    workspace = create(caller, "workspaces", name="Main")
    workflow = create(caller, "workflows", workspace=workspace, name="Answer")
    step = {"workflow": workflow, "position": 1, "key": "first", "type_enum": "end"}
    first = create(caller, "workflow-steps", **step)
    assert caller.post("workflow-steps/", step).status_code == 422
    assert caller("delete", f"workflow-steps/{first}/").status_code == 204
    assert create(caller, "workflow-steps", **step) != first
