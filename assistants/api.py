"""Assistants, and the teammates that orchestrate them, over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assistants import instructions, orchestration, settings
from assistants.findings import assistants_of, teammate_findings
from assistants.models import Assistant, Instruction, Teammate
from audit.api import AuditedViewSet
from core.api.schema.examples import placeholder
from core.api.serializers import TIMES, OylSerializer, StrictSerializer
from core.api.views import READ, ReadViewSet
from core.bounded_fields import MaxJsonLengthValidator
from core.isolation.scope import tenant_scope
from core.permissions import Role

EDITOR_POSTS = {"POST": Role.EDITOR}
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


class InstructionSerializer(OylSerializer[Instruction]):
    class Meta(OylSerializer.Meta):
        model = Instruction
        fields = ("id", "assistant", "system_prompt", *TIMES)
        read_only_fields = fields


class PublishSerializer(StrictSerializer):
    # A name that the base class uses, too.
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=[str(one) for one in instructions.Source], default="instruction"
    )


class ImprovedSerializer(serializers.Serializer[Any]):
    ai_instruction = serializers.CharField()
    changes = serializers.ListField(child=serializers.CharField(), help_text="The lines of a unified diff.")


class VersionSerializer(serializers.Serializer[Any]):
    event = serializers.UUIDField()
    action = serializers.CharField()
    kind = serializers.CharField(
        help_text="`instruction`, `ai_instruction`, or `system_prompt` for what was published."
    )
    text = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    changes = serializers.ListField(
        child=serializers.CharField(), help_text="The lines of a unified diff against the version before."
    )


class HistorySerializer(serializers.Serializer[Any]):
    results = VersionSerializer(many=True)


class RestoreSerializer(StrictSerializer):
    event = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[*map(str, instructions.Source), "system_prompt"])


class AssistantViewSet(AuditedViewSet):
    """Who answers, and how they are told to."""

    model = Assistant
    area = "assistants"
    bound_by = {"workspace": ("workspace",), "assistant": ("pk",)}
    serializer_class = AssistantSerializer
    filterset_fields = ["workspace", "teammate", "name"]
    ordering_fields = ["name", "created_at"]

    @extend_schema(responses={200: InstructionSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS, serializer_class=PublishSerializer)
    def publish(self, request: Request, pk: str) -> Response:
        """Publish the instruction.

        A person's, or the one that a model has improved. From then on, it is sent to the model.
        """
        source = instructions.Source(self._validated(PublishSerializer)["source"])
        row = instructions.publish_instruction(actor=self.actor, assistant=self.get_object(), source=source)
        return Response(InstructionSerializer(row).data)

    @extend_schema(request=None, responses={200: ImprovedSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS, opens_own_scopes=True)
    def improve(self, request: Request, pk: str) -> Response:
        """Let the model rewrite the instruction.

        It is not used before it is published.
        """
        with tenant_scope(self.actor.tenant_id):
            assistant_id = self.get_object().pk
        row = instructions.improve_instruction(actor=self.actor, assistant_id=assistant_id)
        return Response({"ai_instruction": row.ai_instruction, "changes": instructions.improvement(row)})

    @extend_schema(responses={200: HistorySerializer})
    @action(detail=True, methods=["get"], roles=READ, url_path="instructions/history")
    def history(self, request: Request, pk: str) -> Response:
        """What its instructions were.

        The newest first, with the differences: who wrote and published what.
        """
        return self._history(self.get_object())

    @extend_schema(responses={200: HistorySerializer})
    @action(
        detail=True,
        methods=["post"],
        roles=EDITOR_POSTS,
        url_path="instructions/restore",
        serializer_class=RestoreSerializer,
    )
    def restore(self, request: Request, pk: str) -> Response:
        """Restore a text of the history.

        One that was published is published again.
        """
        row, chosen = self.get_object(), self._validated(RestoreSerializer)
        instructions.restore_instruction(actor=self.actor, assistant=row, **chosen)
        return self._history(row)

    def _history(self, row: Assistant) -> Response:
        return Response(HistorySerializer({"results": instructions.instruction_history(row)}).data)

    def _validated(self, serializer_class: type[StrictSerializer]) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        return data


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
