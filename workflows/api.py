"""Workflows and their steps, over REST."""

from __future__ import annotations

from assistants.api import AssistantViewSet
from assistants.models import Assistant
from audit.api import AuditedViewSet
from core.api.serializers import TIMES, OylSerializer
from workflows.models import Workflow, WorkflowStep


class WorkflowSerializer(OylSerializer[Workflow]):
    class Meta(OylSerializer.Meta):
        model = Workflow
        fields = (
            "id",
            "workspace",
            "name",
            "description",
            "input_schema_json",
            "output_schema_json",
            *TIMES,
        )
        fixed = ("workspace",)


class WorkflowViewSet(AuditedViewSet):
    """Steps that run one after another."""

    model = Workflow
    area = "workflows"
    bound_by = {"workspace": ("workspace",)}
    serializer_class = WorkflowSerializer
    filterset_fields = ["workspace", "name"]
    ordering_fields = ["name", "created_at"]


class WorkflowStepSerializer(OylSerializer[WorkflowStep]):
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


ROUTES = {"workflows": WorkflowViewSet, "workflow-steps": WorkflowStepViewSet}
