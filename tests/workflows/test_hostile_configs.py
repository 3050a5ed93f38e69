"""Hostile configurations: each is refused when a step is saved, by an error that names its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from assistants.models import Assistant, Teammate
from core.isolation.scope import tenant_scope
from knowledge.models import Reference
from tests.support.api_client import Caller
from tests.workflows.benches import Bench
from tests.workflows.hostile_configs import VALID, Hostile, hostile_configs
from workflows.models import StepType, Workflow, WorkflowStep
from workflows.steps.registry import step_types
from workspaces.models import IntegrationConfig

LEAST = 200


@pytest.fixture
def ids(bench: Bench) -> dict[str, str]:
    """{label of a model: id of such an object in the bench's workspace}"""
    own = {"workspace": bench.workspace}
    with tenant_scope(bench.tenant_id):
        rows = [
            Assistant.objects.create(**own, name="A"),
            Teammate.objects.create(**own, name="T"),
            Reference.objects.create(**own, name="R"),
            Workflow.objects.create(**own, name="W"),
            IntegrationConfig.objects.create(**own, name="I", type_enum="chat_model"),
        ]
    return {row._meta.label: str(row.pk) for row in rows}


def test_there_are_enough_and_of_every_type() -> None:
    assert set(VALID) == set(step_types())
    assert sum(len(list(hostile_configs(kind, VALID[kind]))) for kind in VALID) >= LEAST


@pytest.mark.parametrize("kind", list(VALID))
def test_hostile_configs_are_named_errors(bench: Bench, ids: dict[str, str], kind: StepType) -> None:
    valid = _filled(VALID[kind], ids)
    with tenant_scope(bench.tenant_id):
        step = _step(bench, kind, ids)
        step.config_json = valid
        step.full_clean()
        wrong = [problem for hostile in hostile_configs(kind, valid) for problem in _problem(step, hostile)]
    assert wrong == []


def _problem(step: WorkflowStep, hostile: Hostile) -> Iterator[str]:
    step.config_json = hostile.config
    try:
        step.full_clean()
    except ValidationError as error:
        text = " ".join(error.message_dict.get("config_json", ["no error of config_json"]))
        if hostile.path not in text or not any(one in text for one in hostile.named.split("|")):
            yield f"{hostile.path} {hostile.named}: {text[:300]} <- {str(hostile.config)[:200]}"
    else:
        yield f"accepted: {hostile.path} {str(hostile.config)[:300]}"


@pytest.mark.parametrize("kind", list(VALID))
def test_the_api_refuses_them(bench: Bench, ids: dict[str, str], caller: Caller, kind: StepType) -> None:
    with tenant_scope(bench.tenant_id):
        workflow = Workflow.objects.create(workspace=bench.workspace, name="Hostile")
    valid = _filled(VALID[kind], ids)
    columns = {"workflow": str(workflow.pk), "position": 1, "key": "only", "type_enum": kind}
    for hostile in list(hostile_configs(kind, valid))[6::20]:
        response = caller.post("workflow-steps/", {**columns, "config_json": hostile.config})
        assert response.status_code == 422, (hostile, response.content)
        assert "config_json" in response.content.decode()
    with tenant_scope(bench.tenant_id):
        assert not workflow.steps.exists()


def test_ids_of_others_are_unknown(bench: Bench, stranger: Any) -> None:
    with tenant_scope(stranger.tenant_id):
        from workspaces.models import Workspace

        theirs = Workspace.objects.create(name="Theirs")
        foreign = Reference.objects.create(workspace=theirs, name="R")
    with tenant_scope(bench.tenant_id):
        other = Reference.objects.create(workspace=Workspace.objects.create(name="Other"), name="R")
        workflow = Workflow.objects.create(workspace=bench.workspace, name="W")
        for reference in (foreign, other):
            step = WorkflowStep(workflow=workflow, position=1, key="only", type_enum="ingest")
            step.config_json = {"reference": str(reference.pk), "external_id": "a", "text": "b"}
            with pytest.raises(ValidationError, match="There is no reference"):
                step.full_clean()


def _step(bench: Bench, kind: StepType, ids: dict[str, str]) -> WorkflowStep:
    workflow = Workflow.objects.create(workspace=bench.workspace, name="Hostile")
    own = step_types()[kind]
    return WorkflowStep(
        workflow=workflow,
        position=1,
        key="only",
        type_enum=kind,
        instruction="Do it." if own.uses_instruction else "",
        assistant_id=ids["assistants.Assistant"] if own.uses_assistant else None,
    )


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, ids) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, ids) for one in value]
    return ids.get(value, value) if isinstance(value, str) else value
