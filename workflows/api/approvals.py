"""Approvals over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.serializers import OylSerializer, StrictSerializer
from core.api.views import READ, ReadViewSet
from core.permissions import Role
from workflows.models import Approval
from workflows.services.approvals import decide


class ApprovalSerializer(OylSerializer[Approval]):
    class Meta(OylSerializer.Meta):
        model = Approval
        fields = (
            "id",
            "run",
            "state",
            "question",
            "shown_json",
            "role",
            "user_ids_json",
            "remind_at",
            "due_at",
            "decided_by_id",
            "decided_at",
            "comment",
            "created_at",
        )
        read_only_fields = fields


class DecisionSerializer(StrictSerializer):
    approve = serializers.BooleanField(help_text="Whether to approve; otherwise it is rejected.")
    comment = serializers.CharField(max_length=10_000, required=False, allow_blank=True, default="")


class ApprovalViewSet(ReadViewSet):
    """Questions of runs to people."""

    model = Approval
    area = "workflows"
    roles = {**READ, "POST": Role.VIEWER}  # the step names who may decide
    bound_by = {"workspace": ("run__workflow__workspace",)}
    serializer_class = ApprovalSerializer
    filterset_fields = ["state", "run"]
    ordering_fields = ["created_at"]

    @extend_schema(responses={200: ApprovalSerializer})
    @action(detail=True, methods=["post"], roles={"POST": Role.VIEWER}, serializer_class=DecisionSerializer)
    def decide(self, request: Request, pk: str) -> Response:
        """Approve or reject, so that the run goes on."""
        approval: Approval = self.get_object()
        serializer = DecisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        decided = decide(approval, actor=self.actor, **serializer.validated_data)
        return Response(ApprovalSerializer(decided).data)
