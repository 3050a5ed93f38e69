"""The steps of workflows over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assistants.api import AssistantViewSet
from assistants.models import Assistant
from audit.api import AuditedViewSet
from core.api.serializers import ObjectField, OylSerializer, StrictSerializer
from core.api.views import READ
from core.bounded_fields import MaxJsonLengthValidator
from core.permissions import Role
from workflows.models import WorkflowStep
from workflows.services.editing import draft_problems, move_step
from workflows.steps.registry import step_types


@extend_schema_field(
    {"type": "object", "additionalProperties": {}, "examples": [{"question": "input.question"}]}
)
class StepConfigField(ObjectField):
    """Described by the schemas of the types of steps."""


class WorkflowStepSerializer(OylSerializer[WorkflowStep]):
    config_json = StepConfigField(required=False, validators=[MaxJsonLengthValidator()])

    class Meta(OylSerializer.Meta):
        model = WorkflowStep
        fields = (
            "id",
            "workflow",
            "position",
            "key",
            "type_enum",
            "assistant",
            "instruction",
            "config_json",
            "on_error_json",
            "timeout_seconds",
            "created_at",
        )
        fixed = ("workflow",)


class MoveSerializer(StrictSerializer):
    position = serializers.IntegerField(
        min_value=1, help_text="The place among the steps, from 1; the others move."
    )


class ProblemsSerializer(serializers.Serializer[Any]):
    problems = serializers.ListField(child=serializers.CharField(), help_text="Empty if there is none.")


class StepTypeSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    purpose = serializers.CharField()
    config_schema = serializers.JSONField(
        help_text="A JSON Schema. `x-cel` marks expressions, `x-template` templates, `x-step` keys of steps."
    )
    output_schema = serializers.JSONField()
    touches_outside = serializers.BooleanField()
    cost = serializers.CharField()
    uses_instruction = serializers.BooleanField()
    uses_assistant = serializers.BooleanField()


class WorkflowStepViewSet(AuditedViewSet):
    """The steps of workflows."""

    model = WorkflowStep
    area = "workflows"
    bound_by = {"workspace": ("workflow__workspace",)}
    serializer_class = WorkflowStepSerializer
    filterset_fields = ["workflow", "type_enum"]
    ordering_fields = ["position", "created_at"]

    def validate_and_save(self, instance: WorkflowStep) -> WorkflowStep:
        self.check_bound(Assistant.objects.filter(pk=instance.assistant_id), AssistantViewSet.bound_by)
        step: WorkflowStep = super().validate_and_save(instance)
        return step

    @extend_schema(responses={200: WorkflowStepSerializer})
    @action(detail=True, methods=["post"], roles={"POST": Role.EDITOR}, serializer_class=MoveSerializer)
    def move(self, request: Request, pk: str) -> Response:
        """Move a step to another place."""
        step: WorkflowStep = self.get_object()
        serializer = MoveSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        move_step(step, position=serializer.validated_data["position"], actor=self.actor)
        step.refresh_from_db()
        return Response(WorkflowStepSerializer(step, context=self.get_serializer_context()).data)

    @extend_schema(responses={200: ProblemsSerializer})
    @action(detail=True, methods=["get"], roles=READ)
    def problems(self, request: Request, pk: str) -> Response:
        """List what is wrong with a step."""
        return Response({"problems": draft_problems(self.get_object())})

    @extend_schema(responses={200: StepTypeSerializer(many=True)})
    @action(detail=False, methods=["get"], roles=READ, pagination_class=None, filter_backends=())
    def types(self, request: Request) -> Response:
        """List the types of steps."""
        kinds = step_types().values()
        rows = [{"title": kind.type.label, **_described(kind)} for kind in kinds]
        return Response(StepTypeSerializer(rows, many=True).data)


def _described(kind: Any) -> dict[str, Any]:
    names = StepTypeSerializer().fields.keys() - {"title"}
    return {name: getattr(kind, name) for name in names}
