"""The steps of a workflow: a list, a diagram, their order, and publishing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from core.admin import actor_of
from workflows.admin.diagram import drawn, jumps_of
from workflows.admin.shared import Attempt, page, require_editor, workflow_of
from workflows.definition import Definition, draft_of
from workflows.models import StepType, Workflow
from workflows.services.editing import delete_step, move_step, order_steps
from workflows.services.publishing import problems_of, publish, published_version
from workflows.steps.registry import step_types


def steps_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    workflow = workflow_of(request, pk)
    if request.method == "POST":
        require_editor(request)
        _act(request, workflow)
        return HttpResponseRedirect(request.path)
    definition = draft_of(workflow)
    published = published_version(workflow)
    return page(
        request,
        "steps",
        f"Steps: {workflow}",
        workflow=workflow,
        published=published,
        has_changes=published is None or published.definition_json != definition.as_json(),
        problems=problems_of(definition, workflow.workspace_id),
        diagram=drawn(definition) if definition.steps else "",
        steps=_shown_steps(workflow, definition),
        kinds=[(kind.type, kind.type.label, kind.purpose) for kind in step_types().values()],
    )


def _act(request: HttpRequest, workflow: Workflow) -> None:
    """What the button says."""
    actor, (what, _, key) = actor_of(request), request.POST.get("do", "").partition(":")
    if what == "publish":
        with Attempt(request):
            version = publish(workflow, actor=actor)
            messages.success(request, f"Version {version.number} is published. New runs follow it.")
        return
    if what == "order":
        with Attempt(request, "The order is changed."):
            order_steps(workflow, keys=request.POST.get("keys", "").split(), actor=actor)
        return
    step = workflow.steps.filter(key=key).first()
    if step is None:
        messages.error(request, "The step is gone. Load the page again.")
    elif what in ("up", "down"):
        keys = list(workflow.steps.order_by("position").values_list("key", flat=True))
        place = keys.index(key) + (0 if what == "up" else 2)
        with Attempt(request):
            move_step(step, position=max(1, place), actor=actor)
    elif what == "delete":
        with Attempt(request, f"The step '{key}' is deleted."):
            delete_step(step, actor=actor)


def _shown_steps(workflow: Workflow, definition: Definition) -> list[dict[str, Any]]:
    ids = dict(workflow.steps.values_list("key", "pk"))
    return [
        {
            "step": step,
            "type": StepType(step.type).label,
            "link": reverse("admin:workflows_step", args=[workflow.pk, ids[step.key]]),
            "jumps": list(jumps_of(step)),
            "touches_outside": step.type in step_types() and step_types()[step.type].touches_outside,
        }
        for step in definition.steps
    ]
