"""The editor of one step: a form that its type's schema makes, JSON as an alternative, and checking as one types."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from assistants.models import Assistant
from core.admin import actor_of
from core.json_values import FormDecoder
from workflows.admin.schema_forms import STEPS_LIST, SchemaForm, field_problems
from workflows.admin.shared import Attempt, page, require_editor, sentence_of, workflow_of
from workflows.models import KEY_LENGTH, StepType, Workflow, WorkflowStep
from workflows.schemas import ON_ERROR_SCHEMA
from workflows.services.editing import draft_problems, save_step
from workflows.steps.base import Step
from workflows.steps.registry import step_types

JSON_WIDGET = {"rows": 14, "spellcheck": "false", "class": "oyl-code"}


class StepForm(forms.Form):
    """The columns that all types have. With `as_json`, the configuration is what `config_json` says."""

    key = forms.CharField(
        max_length=KEY_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text="Later steps refer to its output as steps.KEY.output. Small letters, digits and _.",
    )
    timeout_seconds = forms.IntegerField(
        required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget, label="Timeout in seconds"
    )
    as_json = forms.BooleanField(required=False)
    config_json = forms.JSONField(
        required=False,
        decoder=FormDecoder,
        widget=UnfoldAdminTextareaWidget(attrs=JSON_WIDGET),
        label="Configuration as JSON",
    )

    def __init__(self, kind: Step, workflow: Workflow, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind.uses_assistant:
            rows = Assistant.objects.filter(workspace=workflow.workspace_id).order_by("name")
            self.fields["assistant"] = forms.ModelChoiceField(
                rows, required=False, widget=UnfoldAdminSelectWidget
            )
        if kind.uses_instruction:
            attrs = {"rows": 6, "data-names": ""}
            self.fields["instruction"] = forms.CharField(
                required=False, strip=False, widget=UnfoldAdminTextareaWidget(attrs=attrs)
            )


class EditedStep:
    """A step with the three forms that edit it."""

    def __init__(self, request: HttpRequest, workflow: Workflow, step: WorkflowStep) -> None:
        self.step, self.workflow = step, workflow
        self.kind = step_types()[StepType(step.type_enum)]
        data = request.POST if request.method == "POST" else None
        initial = {
            name: getattr(step, name) for name in ("key", "timeout_seconds", "assistant", "instruction")
        }
        initial["config_json"] = step.config_json
        self.columns = StepForm(self.kind, workflow, data, initial=initial)
        self.config = SchemaForm(
            self.kind.config_schema,
            step.config_json,
            data,
            prefix="config",
            workspace_id=workflow.workspace_id,
            use_required_attribute=False,
        )
        self.on_error = SchemaForm(ON_ERROR_SCHEMA, step.on_error_json, data, prefix="on_error")
        for name in ("retries", "wait_seconds", "then", "output", "step"):
            self.on_error.fields[name].label = ON_ERROR_LABELS[name]

    def read(self) -> list[str]:
        """Take over what was typed; returns a sentence for each field that cannot be read."""
        is_json = self.columns.is_valid() and self.columns.cleaned_data["as_json"]
        forms = [self.columns, self.on_error, *([] if is_json else [self.config])]
        if found := [sentence for form in forms for sentence in field_problems(form)]:
            return found
        given, step = self.columns.cleaned_data, self.step
        step.key, step.timeout_seconds = given["key"], given["timeout_seconds"]
        step.assistant, step.instruction = given.get("assistant"), given.get("instruction", "")
        step.config_json = (given["config_json"] or {}) if is_json else self.config.config
        step.on_error_json = self.on_error.config
        return []

    def problems(self) -> list[str]:
        """Inside a scope: what is wrong with the step as it is now, for which it can be saved all the same."""
        try:
            self.step.full_clean(exclude=["position"], validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            return [sentence_of(error)]
        return draft_problems(self.step)


ON_ERROR_LABELS = {
    "retries": "Tries after the first one (0)",
    "wait_seconds": "Seconds before the next try, which double each time (5)",
    "then": "What happens after the last try (fail)",
    "output": "For 'continue': the output, as JSON",
    "step": "For 'goto': the step that follows",
}


def step_page(request: HttpRequest, pk: UUID, step: UUID | None = None) -> HttpResponse:
    require_editor(request)
    workflow = workflow_of(request, pk)
    edited = EditedStep(request, workflow, _step_of(request, workflow, step))
    found: list[str] = []
    if request.method == "POST":
        found = edited.read()
        with Attempt(request, f"The step '{edited.step.key}' is saved.") as saving:
            if not found:
                save_step(edited.step, actor=actor_of(request))
        if not found and saving.succeeded:
            return HttpResponseRedirect(reverse("admin:workflows_steps", args=[pk]))
    return page(
        request,
        "step",
        f"{StepType(edited.step.type_enum).label}: {workflow}",
        workflow=workflow,
        edited=edited,
        found=found or (edited.problems() if step else []),
        steps_list=STEPS_LIST,
        step_keys=[key for key in _keys(workflow) if key != edited.step.key],
        names=_names(workflow, edited.step),
    )


def check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is wrong with the step as it was typed so far: {"problems": […]}."""
    require_editor(request)
    workflow = workflow_of(request, pk)
    own = request.POST.get("step_id", "")
    edited = EditedStep(request, workflow, _step_of(request, workflow, UUID(own) if own else None))
    return JsonResponse({"problems": edited.read() or edited.problems()})


def _step_of(request: HttpRequest, workflow: Workflow, pk: UUID | None) -> WorkflowStep:
    """Raises Http404."""
    if pk is None:
        kind = request.POST.get("type") or request.GET.get("type", "")
        if kind not in step_types():
            raise Http404
        return WorkflowStep(workflow=workflow, type_enum=kind, position=0, key=request.GET.get("key", ""))
    found: WorkflowStep | None = workflow.steps.select_related("assistant").filter(pk=pk).first()
    if found is None:
        raise Http404
    found.workflow = workflow
    return found


def _keys(workflow: Workflow) -> list[str]:
    return list(workflow.steps.order_by("position").values_list("key", flat=True))


def _names(workflow: Workflow, step: WorkflowStep) -> list[str]:
    """What an expression can refer to."""
    inputs = [f"input.{name}" for name in workflow.input_schema_json.get("properties", {})]
    outputs = [f"steps.{key}.output" for key in _keys(workflow) if key != step.key]
    return [*(inputs or ["input"]), *outputs, "run.id", "run.number", "run.started_at", "item", "now"]
