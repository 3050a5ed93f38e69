"""Workflows as YAML, in which other objects of the workspace are named and not given by their ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from assistants.models import Assistant
from audit.services import save_audited
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.json_schema import problems
from core.json_values import why_not_storable
from core.permissions import Role
from workflows.definition import JSON
from workflows.errors import WorkflowInvalidError
from workflows.expressions import replaced_texts
from workflows.models import StepType, Workflow, WorkflowStep
from workflows.schemas import DECLARED_SCHEMA, ON_ERROR_SCHEMA
from workflows.steps.base import REFERS
from workflows.steps.registry import step_types
from workspaces.models import Workspace

LONGEST = 1_000_000
_TEXT = {"type": "string"}
YAML_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "steps"],
    "properties": {
        "name": _TEXT,
        "description": _TEXT,
        "input": DECLARED_SCHEMA,
        "output": DECLARED_SCHEMA,
        "steps": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["key", "type"],
                "properties": {
                    "key": _TEXT,
                    "type": {"enum": [*StepType.values]},
                    "assistant": _TEXT,
                    "instruction": _TEXT,
                    "config": {"type": "object"},
                    "on_error": ON_ERROR_SCHEMA,
                    "timeout_seconds": {"type": "integer", "minimum": 1},
                },
            },
        },
    },
}


class _Loader(yaml.SafeLoader):
    """Without aliases, by which a short text can become a long value, and with dates as texts, as in JSON."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise WorkflowInvalidError("The YAML has an alias (*name). Write the value itself.")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [one for one in found if one[0] != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def export_yaml(workflow: Workflow) -> str:
    """Inside a scope: the steps as they are edited."""
    value = {
        "name": workflow.name,
        "description": workflow.description,
        "input": workflow.input_schema_json,
        "output": workflow.output_schema_json,
        "steps": [
            _exported(step) for step in workflow.steps.select_related("assistant").order_by("position")
        ],
    }
    return yaml.safe_dump(_without_empty(value), sort_keys=False, allow_unicode=True, width=100)


def _exported(step: WorkflowStep) -> JSON:
    schema = step_types()[StepType(step.type_enum)].config_schema
    workspace_id = step.workflow.workspace_id

    def name_of(label: str, text: str) -> str:
        found = apps.get_model(label)._default_manager.filter(pk=text, workspace=workspace_id).first()
        return str(found.name) if found else text

    return _without_empty(
        {
            "key": step.key,
            "type": step.type_enum,
            "assistant": step.assistant.name if step.assistant else "",
            "instruction": step.instruction,
            "config": replaced_texts(schema, step.config_json, REFERS, name_of),
            "on_error": step.on_error_json,
            "timeout_seconds": step.timeout_seconds,
        }
    )


def _without_empty(value: dict[str, JSON]) -> dict[str, JSON]:
    return {name: one for name, one in value.items() if one not in ("", None, {})}


def import_yaml(text: str, *, workspace: Workspace, actor: Actor) -> Workflow:
    """A new workflow, which is not published. Raises ForbiddenError, WorkflowInvalidError."""
    actor.require(Role.EDITOR)
    value = _read(text)
    with tenant_scope(actor.tenant_id):
        workflow = Workflow(
            workspace=workspace,
            name=value["name"],
            description=value.get("description", ""),
            input_schema_json=value.get("input", {}),
            output_schema_json=value.get("output", {}),
        )
        _save(workflow, actor)
        for position, step in enumerate(value["steps"], 1):
            _save(_imported(workflow, position, step), actor)
    return workflow


def _read(text: str) -> dict[str, JSON]:
    """Raises WorkflowInvalidError."""
    if len(text) > LONGEST:
        raise WorkflowInvalidError(f"The YAML has more than {LONGEST:,} characters.")
    if why := why_not_storable(text):
        raise WorkflowInvalidError(f"{why}.")
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
        json.dumps(value, allow_nan=False, default=str)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WorkflowInvalidError(f"This is no valid YAML: {str(error)[:300]}") from error
    if found := problems(YAML_SCHEMA, value):
        raise WorkflowInvalidError(" ".join(found))
    return dict(value)


def _imported(workflow: Workflow, position: int, step: Mapping[str, JSON]) -> WorkflowStep:
    kind = step_types().get(StepType(step["type"]))
    config = step.get("config", {})

    def id_of(label: str, text: str) -> str:
        return str(_named(apps.get_model(label), text, workflow).pk)

    return WorkflowStep(
        workflow=workflow,
        position=position,
        key=step["key"],
        type_enum=step["type"],
        assistant=_named(Assistant, step["assistant"], workflow) if step.get("assistant") else None,
        instruction=step.get("instruction", ""),
        config_json=replaced_texts(kind.config_schema, config, REFERS, id_of) if kind else config,
        on_error_json=step.get("on_error", {}),
        timeout_seconds=step.get("timeout_seconds"),
    )


def _named(model: type[models.Model], name: str, workflow: Workflow) -> Any:
    """Raises WorkflowInvalidError."""
    found = model._default_manager.filter(name=name, workspace=workflow.workspace_id).first()
    if found is None:
        raise WorkflowInvalidError(
            f"There is no {model._meta.verbose_name} '{name[:100]}' in this workspace. Make one of this name first, or "
            "change the name in the YAML."
        )
    return found


def _save(row: Workflow | WorkflowStep, actor: Actor) -> None:
    """Raises WorkflowInvalidError."""
    try:
        row.full_clean(exclude=["tenant"])
    except ValidationError as error:
        raise WorkflowInvalidError(" ".join(error.messages)) from error
    save_audited(actor=actor, instance=row)
