"""Assistants with their instructions, and the teammates that orchestrate them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from assistants import orchestration, settings
from assistants.variables import about_unknown, unknown_variables
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
    orchestration_config = BoundedJSONField(null=True, blank=True)

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
        """Raises ValidationError for what the schema does not allow, and for an assistant or a chat model that is not in the
        workspace: it is answered as one that does not exist. What the teammate had before stays, so that a deleted assistant
        does not block other changes."""
        before = Teammate.objects.filter(pk=self.pk).first()
        config = self.orchestration_config
        if config is None or (before and config == before.orchestration_config):
            return
        _check_schema("orchestration_config", orchestration.SCHEMA, config)
        new, old = (orchestration.Orchestration.of(one) for one in (self, before or Teammate()))
        ids = {*new.named} - {*old.named}
        for pk in Assistant.objects.filter(pk__in=ids, workspace=self.workspace_id).values_list(
            "pk", flat=True
        ):
            ids.remove(pk)
        if ids:
            detail = f"There is no assistant '{min(ids)}' in this workspace."
            raise ValidationError({"orchestration_config": detail}, code="does_not_exist")
        models = {new.chat_integration} - {old.chat_integration, None}
        _check_chat_models("orchestration_config", self.workspace_id, filter(None, models))


def _check_schema(field: str, schema: dict[str, Any], value: Any) -> None:
    if errors := problems(schema, value):
        raise ValidationError({field: errors})


def _check_chat_models(field: str, workspace_id: UUID, named: Iterable[UUID]) -> None:
    """Raises ValidationError for an integration that is no chat model of the workspace."""
    absent = {*named}
    rows = IntegrationConfig.objects.filter(workspace=workspace_id, type_enum=IntegrationType.CHAT_MODEL)
    absent -= set(rows.filter(pk__in=absent).values_list("pk", flat=True))
    if absent:
        detail = f"There is no chat model '{min(absent)}' among the integrations of this workspace."
        raise ValidationError({field: detail}, code="does_not_exist")


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
    description = BoundedTextField(
        blank=True, help_text="What it knows and does. Teammates choose by it, and people read it."
    )
    is_suspended = models.BooleanField(
        "suspended", default=False, help_text="It answers no questions, and teammates pass it over."
    )
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
        """Raises ValidationError for a variable that does not exist, and for settings that the schema does not allow, or
        that name an integration which is no chat model of the workspace. Settings that are as they were before do not block
        other changes."""
        if unknown := unknown_variables(self.instruction):
            raise ValidationError({"instruction": about_unknown(unknown)})
        before = Assistant.objects.filter(pk=self.pk).values_list("settings_json", flat=True).first()
        if self.settings_json == before:
            return
        _check_schema("settings_json", settings.SCHEMA, self.settings_json)
        named = settings.integration_ids(self.settings_json) - settings.integration_ids(before or {})
        _check_chat_models("settings_json", self.workspace_id, named)


class Instruction(TenantModel):
    """The published instruction, which is sent to the model; one for each assistant."""

    assistant = TenantOneToOneField(Assistant, related_name="published_instruction")
    system_prompt = BoundedTextField(max_length=INSTRUCTION_LENGTH, kept_in_events=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "published instructions"
        db_table = "instructions"

    def __str__(self) -> str:
        return f"Instruction of {self.assistant}"

    @property
    def owning_workspace_id(self) -> UUID:
        workspace_id: UUID = self.assistant.workspace_id
        return workspace_id


class TeammateTurns(TenantModel):
    """How many questions a teammate has given to its assistants in turn."""

    teammate = TenantOneToOneField(Teammate, related_name="turns")
    turns = models.PositiveBigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        db_table = "teammate_turns"
        verbose_name_plural = "turns of teammates"

    def __str__(self) -> str:
        return f"{self.turns} turns of {self.teammate_id}"


class AssistantFailures(TenantModel):
    """How many answers of an assistant have failed since the last one that did not."""

    assistant = TenantOneToOneField(Assistant, related_name="failures")
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "assistant_failures"
        verbose_name_plural = "failures of assistants"

    def __str__(self) -> str:
        return f"{self.failures} failures of {self.assistant_id}"
