"""Workflows with their steps, as they are edited, and their versions, as they are run."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from assistants.models import Assistant
from core.bounded_fields import INSTRUCTION_LENGTH, BoundedJSONField, BoundedTextField
from core.isolation.fields import TenantForeignKey
from core.json_schema import problems
from core.limits import Limit
from core.models import SoftDeleteModel, TenantModel, one_of, unique_alive
from core.name_fields import NameField
from workflows.schemas import DECLARED_SCHEMA, ON_ERROR_SCHEMA
from workspaces.models import Workspace

KEY_LENGTH = 40
MAX_TIMEOUT_SECONDS = 31 * 24 * 3600


class StepType(models.TextChoices):
    """One class of `workflows.steps` for each."""

    ASSISTANT = "assistant", "Ask an assistant"
    TEAMMATE = "teammate", "Ask a teammate"
    RETRIEVE = "retrieve", "Search passages"
    LLM = "llm", "Ask a model"
    CLASSIFY = "classify", "Classify"
    EXTRACT = "extract", "Extract fields"
    CONDITION = "condition", "Condition"
    SWITCH = "switch", "Switch"
    TRANSFORM = "transform", "New values"
    ITERATE = "iterate", "For each item"
    PARALLEL = "parallel", "In parallel"
    SUB_WORKFLOW = "sub_workflow", "Run a workflow"
    HTTP_REQUEST = "http_request", "Call a service"
    DATA_QUERY = "data_query", "Query a data source"
    TAG = "tag", "Tag"
    INGEST = "ingest", "Ingest"
    NOTIFY = "notify", "Notify"
    APPROVAL = "approval", "Wait for an approval"
    WAIT = "wait", "Wait"
    END = "end", "End"


class Workflow(SoftDeleteModel):
    """Its steps are a draft. Runs follow a published version."""

    limit = Limit(1000, "workspace")

    workspace = TenantForeignKey(Workspace, related_name="workflows")
    name = NameField(max_length=255)
    description = BoundedTextField(blank=True)
    input_schema_json = BoundedJSONField("schema of the input", default=dict, blank=True)
    output_schema_json = BoundedJSONField("schema of the output", default=dict, blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "workflows"
        constraints = [unique_alive("workflows", "workspace", "name")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        fields = ("input_schema_json", "output_schema_json")
        found = {name: problems(DECLARED_SCHEMA, getattr(self, name)) for name in fields}
        if any(found.values()):
            raise ValidationError({name: sentences for name, sentences in found.items() if sentences})


class WorkflowStep(SoftDeleteModel):
    """Later steps refer to its output by its `key`. `on_error_json` is {} to let the run fail: `workflows.schemas`."""

    limit = Limit(100, "workflow")
    part_of = "workflow"

    workflow = TenantForeignKey(Workflow, related_name="steps")
    position = models.PositiveIntegerField()
    key = models.CharField(
        max_length=KEY_LENGTH,
        validators=[
            RegexValidator(r"\A[a-z][a-z0-9_]*\Z", "Use small letters, digits and _, a letter first.")
        ],
    )
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
    on_error_json = BoundedJSONField("on error", default=dict, blank=True)
    timeout_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TIMEOUT_SECONDS)],
        help_text="The step fails if it takes longer. Without it, WORKFLOW_STEP_SECONDS holds, and waiting has no limit.",
    )

    class Meta(SoftDeleteModel.Meta):
        db_table = "workflow_steps"
        ordering = ["position"]
        constraints = [
            unique_alive("workflow_steps", "workflow", "position"),
            unique_alive("workflow_steps", "workflow", "key"),
            one_of("workflow_steps", "type_enum", StepType),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.key}"

    def clean(self) -> None:
        super().clean()
        if found := problems(ON_ERROR_SCHEMA, self.on_error_json):
            raise ValidationError({"on_error_json": found})
        self._check_configuration()

    def _check_configuration(self) -> None:
        from workflows.services.publishing import saving_problems  # the types of steps need the models

        if self.type_enum in StepType.values and self.workflow_id and (found := saving_problems(self)):
            raise ValidationError({"config_json": found})


class WorkflowVersion(TenantModel):
    """The definition that runs follow; it never changes. The newest one with a `number` is the published one; without a
    number it is a draft, as it was when a test run of it was started."""

    workflow = TenantForeignKey(Workflow, related_name="versions")
    number = models.PositiveIntegerField(null=True, blank=True)
    definition_json = models.JSONField("definition")

    class Meta(TenantModel.Meta):
        db_table = "workflow_versions"
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "number"],
                condition=Q(number__isnull=False),
                name="workflow_versions_number_key",
            ),
        ]

    def __str__(self) -> str:
        return "draft" if self.number is None else f"version {self.number}"
