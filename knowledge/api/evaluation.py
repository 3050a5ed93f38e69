"""Evaluation sets over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.serializers import TIMES, OylSerializer, StrictSerializer
from core.api.views import ReadViewSet
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.vectors import Mode
from knowledge.models import EvaluationCase, EvaluationRun, EvaluationSet
from knowledge.models.evaluation import RunMode
from knowledge.search.evaluation_runs import run_evaluation
from knowledge.services.evaluation_sets import save_evaluation_case


class EvaluationSetSerializer(OylSerializer[EvaluationSet]):
    class Meta(OylSerializer.Meta):
        model = EvaluationSet
        fields = ("id", "workspace", "name", *TIMES)
        fixed = ("workspace",)


class EvaluationCaseSerializer(OylSerializer[EvaluationCase]):
    class Meta(OylSerializer.Meta):
        model = EvaluationCase
        fields = ("id", "evaluation_set", "question", "expected_json", "source_message", *TIMES)
        read_only_fields = ("source_message",)
        fixed = ("evaluation_set",)


class EvaluationRunSerializer(OylSerializer[EvaluationRun]):
    class Meta(OylSerializer.Meta):
        model = EvaluationRun
        fields = (
            "id",
            "evaluation_set",
            "mode",
            "rerank",
            "cases",
            "ndcg",
            "recall",
            "hit_rate",
            "ranks_json",
            "created_at",
        )
        read_only_fields = fields


class RunSerializer(StrictSerializer):
    mode = serializers.ChoiceField(choices=RunMode.choices, default=RunMode.HYBRID)
    rerank = serializers.BooleanField(default=False)


class EvaluationSetViewSet(AuditedViewSet):
    """Questions of a workspace whose answers are known to be in certain documents. A set goes with its cases and runs."""

    model = EvaluationSet
    area = "knowledge"
    bound_by = {"workspace": ("workspace",)}
    serializer_class = EvaluationSetSerializer
    filterset_fields = ["workspace", "name"]

    @extend_schema(request=RunSerializer, responses={201: EvaluationRunSerializer})
    @action(detail=True, methods=["post"], roles={"POST": Role.EDITOR}, opens_own_scopes=True)
    def run(self, request: Request, pk: str) -> Response:
        """Search for all its questions.

        The figures are stored as a run.
        """
        given = RunSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with tenant_scope(self.actor.tenant_id):
            found = self.get_object().pk
        mode, rerank = Mode(given.validated_data["mode"]), given.validated_data["rerank"]
        row = run_evaluation(actor=self.actor, evaluation_set=found, mode=mode, rerank=rerank)
        return Response(EvaluationRunSerializer(row).data, status=201)


class EvaluationCaseViewSet(AuditedViewSet):
    """Questions of evaluation sets, with the documents that answer them. A question without such documents is left out of
    runs."""

    model = EvaluationCase
    area = "knowledge"
    bound_by = {"workspace": ("evaluation_set__workspace",)}
    serializer_class = EvaluationCaseSerializer
    filterset_fields = ["evaluation_set", "source_message"]

    def save_instance(self, instance: Any) -> None:
        save_evaluation_case(actor=self.actor, case=instance)


class EvaluationRunViewSet(ReadViewSet):
    """What runs of evaluation sets have found."""

    model = EvaluationRun
    area = "knowledge"
    roles = {"GET": Role.VIEWER}
    bound_by = {"workspace": ("evaluation_set__workspace",)}
    serializer_class = EvaluationRunSerializer
    filterset_fields = ["evaluation_set", "mode", "rerank"]
