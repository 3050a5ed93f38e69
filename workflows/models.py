"""Workflows, their steps and runs: tables only, the engine that runs them is not there yet."""

from __future__ import annotations

from django.db import models

from assistants.models import Assistant
from core.bounded_fields import INSTRUCTION_LENGTH, BoundedJSONField, BoundedTextField
from core.isolation.fields import NamedIndex, TenantForeignKey
from core.limits import Limit
from core.models import SoftDeleteModel, TenantModel, one_of, unique_alive
from core.name_fields import NameField
from jobs.states import JobState
from workspaces.models import Workspace


class Workflow(SoftDeleteModel):
    limit = Limit(1000, "workspace")

    workspace = TenantForeignKey(Workspace, related_name="workflows")
    name = NameField(max_length=255)
    description = BoundedTextField(blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "workflows"
        constraints = [unique_alive("workflows", "workspace", "name")]

    def __str__(self) -> str:
        return self.name


class StepType(models.TextChoices):
    SEARCH = "search"
    PROMPT = "prompt"
    DATA_QUERY = "data_query", "Data query"
    CONDITION = "condition"
    WEBHOOK = "webhook"


class WorkflowStep(SoftDeleteModel):
    """Deleted softly, because earlier runs refer to it."""

    limit = Limit(100, "workflow")

    workflow = TenantForeignKey(Workflow, related_name="steps")
    position = models.PositiveIntegerField()
    type_enum = models.CharField("type", max_length=32, choices=StepType.choices)
    assistant = TenantForeignKey(
        Assistant,
        "SET NULL",
        null=True,
        blank=True,
        related_name="+",
    )
    instruction = BoundedTextField(max_length=INSTRUCTION_LENGTH, blank=True)
    config_json = BoundedJSONField("configuration", default=dict, blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "workflow_steps"
        ordering = ["position"]
        constraints = [
            unique_alive("workflow_steps", "workflow", "position"),
            one_of("workflow_steps", "type_enum", StepType),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.get_type_enum_display()}"


class WorkflowRun(TenantModel):
    workflow = TenantForeignKey(Workflow, related_name="runs")
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    input_json = BoundedJSONField("input", default=dict, blank=True)
    output_json = BoundedJSONField("output", null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "workflow_runs"
        constraints = [
            one_of("workflow_runs", "state", JobState),
        ]
        indexes = [NamedIndex(fields=["workflow", "state"], name="idx_workflow_runs_state")]

    def __str__(self) -> str:
        return f"{self.workflow} {self.created_at:%Y-%m-%d %H:%M}"


class StepRun(TenantModel):
    run = TenantForeignKey(WorkflowRun, related_name="step_runs")
    step = TenantForeignKey(WorkflowStep, related_name="+")
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    output_json = BoundedJSONField("output", null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "step_runs"
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="step_runs_position_key"),
            one_of("step_runs", "state", JobState),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.state}"
