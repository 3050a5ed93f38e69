"""Assistants, and the teammates that orchestrate them, over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assistants import orchestration, settings
from assistants.findings import assistants_of, teammate_findings
from assistants.models import Assistant, Instruction, Teammate
from audit.api import AuditedViewSet
from core.api.schema.examples import placeholder
from core.api.serializers import TIMES, OylSerializer
from core.api.views import ReadViewSet
from core.bounded_fields import MaxJsonLengthValidator

EXAMPLE = {
    "strategy": "round_robin",
    "assistants": [placeholder("assistant")],
    "fallback_assistant": placeholder("assistant"),
}


@extend_schema_field({**orchestration.SCHEMA, "examples": [EXAMPLE]})
class OrchestrationField(serializers.JSONField):
    """Describes what the model validates."""


class TeammateSerializer(OylSerializer[Teammate]):
    orchestration_config = OrchestrationField(
        required=False,
        allow_null=True,
        validators=[MaxJsonLengthValidator()],
        help_text="The assistants are of the same workspace.",
    )
    findings = serializers.SerializerMethodField(
        help_text="What of `orchestration_config` is ignored, and why: deleted and suspended assistants, for example."
    )

    class Meta(OylSerializer.Meta):
        model = Teammate
        fields = ("id", "workspace", "name", "orchestration_config", "findings", *TIMES)
        fixed = ("workspace",)

    def get_findings(self, row: Teammate) -> list[str]:
        """The assistants of all teammates of a list are loaded at once."""
        context: Any = self.context
        if "assistants" not in context:
            rows: Any = self.parent.instance if self.parent else [row]
            context["assistants"] = assistants_of(rows)
        return teammate_findings(row, context["assistants"])


class TeammateViewSet(AuditedViewSet):
    """They choose which of their assistants answers."""

    model = Teammate
    area = "assistants"
    bound_by = {"workspace": ("workspace",)}
    serializer_class = TeammateSerializer
    filterset_fields = ["workspace", "name"]
    ordering_fields = ["name", "created_at"]


@extend_schema_field(settings.SCHEMA)
class SettingsField(serializers.JSONField):
    """Describes what the model validates."""


class AssistantSerializer(OylSerializer[Assistant]):
    settings_json = SettingsField(
        required=False, validators=[MaxJsonLengthValidator()], help_text="How it answers."
    )
    findings = serializers.SerializerMethodField(help_text="What of `settings_json` is ignored, and why.")

    class Meta(OylSerializer.Meta):
        model = Assistant
        fields = (
            "id",
            "workspace",
            "teammate",
            "name",
            "description",
            "is_suspended",
            "instruction",
            "ai_instruction",
            "settings_json",
            "findings",
            *TIMES,
        )
        read_only_fields = ("ai_instruction",)
        fixed = ("workspace",)

    def get_findings(self, row: Assistant) -> list[str]:
        return settings.setting_findings(row.settings_json)


class AssistantViewSet(AuditedViewSet):
    """Who answers, and how they are told to."""

    model = Assistant
    area = "assistants"
    bound_by = {"workspace": ("workspace",), "assistant": ("pk",)}
    serializer_class = AssistantSerializer
    filterset_fields = ["workspace", "teammate", "name"]
    ordering_fields = ["name", "created_at"]


class InstructionSerializer(OylSerializer[Instruction]):
    class Meta(OylSerializer.Meta):
        model = Instruction
        fields = ("id", "assistant", "system_prompt", *TIMES)
        read_only_fields = fields


class InstructionViewSet(ReadViewSet):
    """What is really sent to the model: written by publishing an assistant's instruction."""

    model = Instruction
    area = "assistants"
    bound_by = {"workspace": ("assistant__workspace",), "assistant": ("assistant",)}
    serializer_class = InstructionSerializer
    filterset_fields = ["assistant"]


ROUTES = {
    "teammates": TeammateViewSet,
    "assistants": AssistantViewSet,
    "instructions": InstructionViewSet,
}
