"""Changing the steps of a draft: their order, and what is wrong with one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db.models import Max

from audit.services import record, save_audited, soft_delete_audited
from core.actors import Actor
from core.errors import InvalidError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from workflows.definition import Definition, OnError, StepDefinition, draft_of
from workflows.models import StepType, Workflow, WorkflowStep
from workflows.services.publishing import step_problems

# Further than any position that a workflow may have: positions are unique at every moment.
_ASIDE = 1_000_000


def move_step(step: WorkflowStep, *, position: int, actor: Actor) -> None:
    """To a place among the steps, from 1. Raises ForbiddenError."""
    with tenant_scope(actor.tenant_id):
        keys = list(step.workflow.steps.order_by("position").values_list("key", flat=True))
        keys.remove(step.key)
        keys.insert(max(0, position - 1), step.key)
        order_steps(step.workflow, keys=keys, actor=actor)


def order_steps(workflow: Workflow, *, keys: Sequence[str], actor: Actor) -> None:
    """Give the steps the order of these keys, which are all of them. Raises ForbiddenError, InvalidError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
        steps = {step.key: step for step in workflow.steps.order_by("position")}
        if sorted(keys) != sorted(steps):
            raise InvalidError("The steps have changed meanwhile. Load the page again.")
        if list(keys) == list(steps):
            return
        for offset in (_ASIDE, 0):
            for position, key in enumerate(keys, 1 + offset):
                WorkflowStep.objects.filter(pk=steps[key].pk).update(position=position)
        record(
            actor=actor,
            action="workflow.steps_ordered",
            target=workflow,
            workspace_id=workflow.workspace_id,
            old={"steps": list(steps)},
            new={"steps": list(keys)},
        )


def save_step(step: WorkflowStep, *, actor: Actor) -> None:
    """A new one comes last. Raises ForbiddenError, ValidationError."""
    with tenant_scope(actor.tenant_id):
        if not step.position:
            newest = step.workflow.steps.aggregate(newest=Max("position"))["newest"]
            step.position = (newest or 0) + 1
        step.full_clean()
        save_audited(actor=actor, instance=step)


def delete_step(step: WorkflowStep, *, actor: Actor) -> None:
    """Raises ForbiddenError."""
    soft_delete_audited(actor=actor, instances=[step])


def draft_problems(step: WorkflowStep) -> list[str]:
    """Inside a scope: what is wrong with a step, also with one that is not saved yet, among the others of its workflow."""
    draft = draft_of(step.workflow)
    own = _definition_of(step)
    saved = step.workflow.steps.filter(pk=step.pk).values_list("key", flat=True).first()
    others = [own if one.key == saved else one for one in draft.steps]
    steps = others if saved else [*others, own]
    whole: Definition = replace(draft, steps=steps)
    return step_problems(own, whole, step.workflow.workspace_id)


def _definition_of(step: WorkflowStep) -> StepDefinition:
    return StepDefinition(
        key=step.key,
        type=StepType(step.type_enum),
        assistant_id=step.assistant_id,
        instruction=step.instruction,
        config=step.config_json,
        on_error=OnError(**step.on_error_json),
        timeout_seconds=step.timeout_seconds,
    )
