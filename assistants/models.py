"""Assistants with their instructions, and the teammates that orchestrate them."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from assistants.orchestration import assistant_ids, validate_orchestration
from assistants.settings import SCHEMA, integration_ids
from core.bounded_fields import INSTRUCTION_LENGTH, BoundedJSONField, BoundedTextField
from core.isolation.fields import NamedIndex, TenantForeignKey, TenantOneToOneField
from core.json_schema import problems
from core.limits import Limit
from core.models import SoftDeleteModel, TenantModel, unique_alive
from core.name_fields import NameField
from workspaces.models import IntegrationConfig, IntegrationType, Workspace


class Teammate(SoftDeleteModel):
    """Chooses among its assistants by `orchestration_config` (`assistants.orchestration`)."""

    limit = Limit(1000, "workspace")

    workspace = TenantForeignKey(Workspace, related_name="teammates")
    name = NameField(max_length=255)
    orchestration_config = BoundedJSONField(null=True, blank=True, validators=[validate_orchestration])

    class Meta(SoftDeleteModel.Meta):
        db_table = "teammates"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "workspace", "id"], name="teammates_workspace_id_key"),
            unique_alive("teammates", "workspace", "name"),
        ]
        indexes = [NamedIndex(fields=["workspace"], name="idx_teammates_workspace_id")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError for an assistant that is not in the workspace: it is answered as one that does not exist.
        Those that the teammate had before stay, so that a deleted assistant does not block other changes."""
        ids = self._named_assistants()
        for before in Teammate.objects.filter(pk=self.pk):
            ids -= before._named_assistants()
        for row in Assistant.objects.filter(pk__in=ids, workspace=self.workspace_id).only("pk"):
            ids.remove(row.pk)
        if ids:
            detail = f"There is no assistant '{min(ids)}' in this workspace."
            raise ValidationError({"orchestration_config": detail}, code="does_not_exist")

    def _named_assistants(self) -> set[UUID]:
        """Without those of a configuration that is not valid, which is refused anyway."""
        with suppress(ValidationError):
            validate_orchestration(self.orchestration_config)
            return {*assistant_ids(self.orchestration_config)}
        return set()


class Assistant(SoftDeleteModel):
    """`instruction` is written by people, `ai_instruction` by "Improve with AI"; publishing one of them writes
    `Instruction.system_prompt`, and only this is sent to the model."""

    limit = Limit(1000, "workspace")

    workspace = TenantForeignKey(Workspace, related_name="assistants")
    teammate = TenantForeignKey(
        Teammate,
        also=("workspace_id",),
        null=True,
        blank=True,
        related_name="assistants",
    )
    name = NameField(max_length=255)
    instruction = BoundedTextField(max_length=INSTRUCTION_LENGTH, kept_in_events=True, blank=True)
    ai_instruction = BoundedTextField(
        max_length=INSTRUCTION_LENGTH, kept_in_events=True, blank=True, editable=False
    )
    settings_json = BoundedJSONField("settings", default=dict, blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "assistants"
        constraints = [
            unique_alive("assistants", "workspace", "name"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError for settings that the schema does not allow, or that name an integration which is no chat
        model of the workspace. Settings that are as they were before do not block other changes."""
        before = Assistant.objects.filter(pk=self.pk).values_list("settings_json", flat=True).first()
        if self.settings_json == before:
            return
        if errors := problems(SCHEMA, self.settings_json):
            raise ValidationError({"settings_json": errors})
        named = integration_ids(self.settings_json) - integration_ids(before or {})
        models = IntegrationConfig.objects.filter(workspace=self.workspace_id, pk__in=named)
        known = models.filter(type_enum=IntegrationType.CHAT_MODEL).values_list("pk", flat=True)
        if absent := named - set(known):
            detail = f"There is no chat model '{min(absent)}' among the integrations of this workspace."
            raise ValidationError({"settings_json": detail}, code="does_not_exist")


class Instruction(TenantModel):
    """The published instruction, which is sent to the model; one for each assistant."""

    assistant = TenantOneToOneField(Assistant, related_name="published_instruction")
    system_prompt = BoundedTextField(max_length=INSTRUCTION_LENGTH, kept_in_events=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "instructions"

    def __str__(self) -> str:
        return f"Instruction of {self.assistant}"
