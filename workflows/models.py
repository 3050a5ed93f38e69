"""Steps that run one after another. The engine comes with its own release; these are its tables."""

from __future__ import annotations

from django.db import models

from assistants.models import Assistant
from core.isolation.constraints import SameTenant, isolated
from core.models import Index, SoftDeleteModel, TenantModel, is_one_of, unique_alive
from workspaces.models import Workspace


class Workflow(SoftDeleteModel):
    workspace = models.ForeignKey(
        Workspace, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="workflows"
    )
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "workflows"
        constraints = [*isolated("workflows", "workspace"), unique_alive("workflows", "workspace", "name")]
        indexes = [Index(fields=["workspace"], name="idx_workflows_workspace_id")]

    def __str__(self) -> str:
        return self.name


class StepType(models.TextChoices):
    SEARCH = "search"
    PROMPT = "prompt"
    DATA_QUERY = "data_query", "Data query"
    CONDITION = "condition"
    WEBHOOK = "webhook"


class WorkflowStep(TenantModel):
    workflow = models.ForeignKey(
        Workflow, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="steps"
    )
    position = models.PositiveIntegerField()
    type_enum = models.CharField("type", max_length=32, choices=StepType.choices)
    assistant = models.ForeignKey(
        Assistant,
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    instruction = models.TextField(blank=True)
    config_json = models.JSONField("configuration", default=dict, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "workflow_steps"
        ordering = ["position"]
        constraints = [
            *isolated("workflow_steps", "workflow"),
            SameTenant("assistant", name="workflow_steps_assistant_same_tenant", on_delete="SET NULL"),
            unique_alive("workflow_steps", "workflow", "position"),
            is_one_of("workflow_steps", "type_enum", StepType),
        ]
        indexes = [
            Index(fields=["workflow"], name="idx_workflow_steps_workflow_id"),
            Index(fields=["assistant"], name="idx_workflow_steps_assistant_id"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.get_type_enum_display()}"


class RunStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"


class WorkflowRun(TenantModel):
    workflow = models.ForeignKey(
        Workflow, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="runs"
    )
    status = models.CharField(max_length=16, choices=RunStatus.choices, default=RunStatus.PENDING)
    input_json = models.JSONField("input", default=dict, blank=True)
    output_json = models.JSONField("output", null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "workflow_runs"
        constraints = [
            *isolated("workflow_runs", "workflow"),
            is_one_of("workflow_runs", "status", RunStatus),
        ]
        indexes = [Index(fields=["workflow", "status"], name="idx_workflow_runs_status")]

    def __str__(self) -> str:
        return f"{self.workflow} {self.created_at:%Y-%m-%d %H:%M}"


class StepRun(TenantModel):
    run = models.ForeignKey(
        WorkflowRun, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="step_runs"
    )
    step = models.ForeignKey(
        WorkflowStep, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    position = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=RunStatus.choices, default=RunStatus.PENDING)
    output_json = models.JSONField("output", null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "step_runs"
        constraints = [
            *isolated("step_runs", "run", "step"),
            models.UniqueConstraint(fields=["run", "position"], name="step_runs_position_key"),
            is_one_of("step_runs", "status", RunStatus),
        ]
        indexes = [Index(fields=["step"], name="idx_step_runs_step_id")]

    def __str__(self) -> str:
        return f"{self.position}. {self.status}"
