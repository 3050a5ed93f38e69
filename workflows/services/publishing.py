"""Checking and publishing workflows, and their form as YAML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Max

from audit.services import record
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.json_schema import problems as schema_problems
from core.permissions import Role
from workflows.definition import JSON, Definition, StepDefinition, draft_of, step_of
from workflows.engine.outputs import is_too_long
from workflows.errors import WorkflowInvalidError
from workflows.expressions import Known, check_template, marked_texts, problems_in
from workflows.models import StepType, Workflow, WorkflowStep, WorkflowVersion
from workflows.steps.base import REFERS, STEP_KEY, Step
from workflows.steps.registry import step_types


def publish(workflow: Workflow, *, actor: Actor) -> WorkflowVersion:
    """Make a version of the steps as they are; new runs follow it. Raises ForbiddenError, WorkflowInvalidError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
        newest = workflow.versions.aggregate(newest=Max("number"))["newest"] or 0
        version = add_version(workflow, draft_of(workflow), number=newest + 1)
        record(
            actor=actor,
            action="workflow.published",
            target=workflow,
            workspace_id=workflow.workspace_id,
            new={"version": version.number, "definition": version.definition_json},
        )
    return version


def add_version(workflow: Workflow, definition: Definition, *, number: int | None) -> WorkflowVersion:
    """Inside a scope. Raises WorkflowInvalidError."""
    if found := problems_of(definition, workflow.workspace_id):
        raise WorkflowInvalidError(" ".join(found))
    version: WorkflowVersion = WorkflowVersion.objects.create(
        workflow=workflow, number=number, definition_json=definition.as_json()
    )
    return version


def published_version(workflow: Workflow) -> WorkflowVersion | None:
    """Inside a scope."""
    version: WorkflowVersion | None = (
        workflow.versions.filter(number__isnull=False).order_by("-number").first()
    )
    return version


def problems(workflow: Workflow) -> list[str]:
    """Inside a scope: a sentence for each reason why the workflow cannot be published."""
    return problems_of(draft_of(workflow), workflow.workspace_id)


def problems_of(definition: Definition, workspace_id: UUID) -> list[str]:
    """Inside a scope: what is wrong with a definition, beginning with the keys of the steps."""
    if not definition.steps:
        return ["The workflow has no steps. Add one."]
    if is_too_long(definition.as_json()):
        return ["The steps are too long together. Divide the workflow into several."]
    return [
        f"Step '{step.key}': {problem}"
        for step in definition.steps
        for problem in step_problems(step, definition, workspace_id)
    ]


def saving_problems(row: WorkflowStep) -> list[str]:
    """Inside a scope: what is wrong with a step that is about to be saved. Steps that follow it may be added later."""
    own, others = step_of(row), row.workflow.steps.exclude(pk=row.pk).values_list("key", flat=True)
    steps = [own, *(StepDefinition(key=key, type=StepType.END) for key in others)]
    definition = Definition(steps=steps, input_schema=row.workflow.input_schema_json)
    return list(_own_problems(own, definition, row.workflow.workspace_id))


def step_problems(step: StepDefinition, definition: Definition, workspace_id: UUID) -> list[str]:
    """Inside a scope."""
    found = list(_own_problems(step, definition, workspace_id))
    kind = step_types().get(step.type)
    return found or list(_following_problems(kind, step, definition)) if kind else found


def _own_problems(step: StepDefinition, definition: Definition, workspace_id: UUID) -> list[str]:
    kind = step_types().get(step.type)
    if kind is None:
        return [f"There is no type '{step.type}' yet. Choose another one."]
    if found := schema_problems(kind.config_schema, step.config):
        return found  # what follows relies on the form
    known = _known(definition)
    return [
        *problems_in(kind.config_schema, step.config, known),
        *(f"'instruction': {problem}" for problem in check_template(step.instruction, known)),
        *kind.problems(step, definition),
        *_column_problems(kind, step, workspace_id),
        *_reference_problems(kind, step, workspace_id),
    ]


def _known(definition: Definition) -> Known:
    inputs = definition.input_schema.get("properties")
    return Known(
        steps=frozenset(step.key for step in definition.steps),
        inputs=None if inputs is None else frozenset(inputs),
    )


def _column_problems(kind: Step, step: StepDefinition, workspace_id: UUID) -> Iterator[str]:
    if kind.uses_assistant and not _exists("assistants.Assistant", step.assistant_id, workspace_id):
        yield "Choose an assistant of this workspace."
    if step.assistant_id and not kind.uses_assistant:
        yield "This type has no assistant. Take it away."
    if step.instruction and not kind.uses_instruction:
        yield "This type has no instruction. Take it away."


def _following_problems(kind: Step, step: StepDefinition, definition: Definition) -> Iterator[str]:
    keys = {key for _, _, key in marked_texts(kind.config_schema, step.config, STEP_KEY)} | {
        step.on_error.step
    }
    for key in sorted(key for key in keys - {""} if definition.step(key) is None):
        yield f"There is no step '{key}'. Choose one of: {', '.join(one.key for one in definition.steps)}."
    if step.on_error.then == "goto" and not step.on_error.step:
        yield "Say in 'step' which step follows after an error."


def _reference_problems(kind: Step, step: StepDefinition, workspace_id: UUID) -> Iterator[str]:
    for where, label, value in marked_texts(kind.config_schema, step.config, REFERS):
        if not _exists(label, value, workspace_id):
            name = apps.get_model(label)._meta.verbose_name
            yield f"'{where}': There is no {name} '{value}' in this workspace. Choose another one."


def _exists(label: str, value: JSON, workspace_id: UUID) -> bool:
    rows: Any = apps.get_model(label)._default_manager
    return bool(rows.filter(pk=value, workspace=workspace_id).exists())
