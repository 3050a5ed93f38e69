"""`POST /api/v1/teammates/{id}/route/`: who would answer, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.presenting import shown_dry_run
from conversations.routing.service import dry_run
from core.api.serializers import StrictSerializer
from core.api.views import TenantViewSet
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.search.service import MAX_QUERY_LENGTH

if TYPE_CHECKING:
    _View = TenantViewSet
else:
    _View = object


class RouteQuestionSerializer(StrictSerializer):
    question = serializers.CharField(max_length=MAX_QUERY_LENGTH)


class ChosenSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class ScoredSerializer(ChosenSerializer):
    score = serializers.FloatField(help_text="In the units of the strategy.")


class DryRunSerializer(serializers.Serializer[object]):
    assistants = ChosenSerializer(many=True, help_text="Several for a broadcast.")
    why = serializers.CharField()
    answer = serializers.ChoiceField(
        choices=["best", "merged"], allow_null=True, help_text="Of a broadcast: what is shown of the answers."
    )
    scores = ScoredSerializer(many=True)
    passed_over = serializers.ListField(
        child=serializers.CharField(), help_text="Who could not be chosen, because their answers have failed."
    )


class RouteTeammateMixin(_View):
    @extend_schema(responses={200: DryRunSerializer})
    @action(
        detail=True,
        methods=["post"],
        url_path="route",
        url_name="route",
        area="conversations",
        roles={"POST": Role.VIEWER},
        serializer_class=RouteQuestionSerializer,
        opens_own_scopes=True,
        only_reads=True,
    )
    def route(self, request: Request, pk: str) -> Response:
        """Who would answer, and why.

        Nothing is asked, and no turn is taken.
        """
        with tenant_scope(self.actor.tenant_id):
            teammate = self.get_object().pk
        serializer = RouteQuestionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        question = serializer.validated_data["question"]
        return Response(shown_dry_run(dry_run(actor=self.actor, teammate=teammate, question=question)))
