"""Usage over REST."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import RESERVED, single_values
from core.api.pagination import KeysetPagination
from core.api.serializers import StrictSerializer
from core.api.views import TenantViewSet
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import API_KEY, MEMBER, ORGANISATION
from core.usage import Figure, Period
from knowledge.models import Reference
from oyl.events import EventViewSet
from oyl.me import MeViewSet
from oyl.services import (
    figure_sets,
    quotas_of_organisation,
    usage_of_organisation,
    usage_of_references,
    usage_of_workspaces,
)
from workspaces.models import Workspace

DAYS = 30


class PeriodSerializer(StrictSerializer):
    since = serializers.DateField(
        required=False, help_text=f"The first day, in UTC; {DAYS} days up to `until` unless given."
    )
    until = serializers.DateField(required=False, help_text="The last day, included; today unless given.")

    def validate(self, given: dict[str, Any]) -> Period:
        until = given.get("until", datetime.now(UTC).date())
        since = given.get("since", date.fromordinal(max(1, until.toordinal() - DAYS + 1)))
        if since > until:
            raise serializers.ValidationError({"since": f"Give a day up to {until}, which is the last one."})
        return Period(since, until)


class FigureGroupSerializer(serializers.Serializer[Any]):
    """Figures that are shown as one object, such as documents by status."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        super().__init__()
        self._figures = list(figures)

    def get_fields(self) -> dict[str, Any]:
        return {figure.name.rpartition(".")[2]: _number(figure) for figure in self._figures}


@cache
def _group_serializer(group: str) -> type[FigureGroupSerializer]:
    """One class for each group, because the OpenAPI document names its components by their classes."""
    return type(f"{group.title()}FiguresSerializer", (FigureGroupSerializer,), {})


def _number(figure: Figure) -> serializers.IntegerField:
    return serializers.IntegerField(help_text=figure.help_text or None)


def _figure_fields(*, of_workspaces: bool) -> dict[str, Any]:
    """A field for each figure, and one for each group of figures."""
    today = datetime.now(UTC).date()
    sets = [one for one in figure_sets(Period(today, today)) if one.workspace or not of_workspaces]
    fields: dict[str, Any] = {}
    groups: dict[str, list[Figure]] = {}
    for figure in (figure for one in sets for figure in one.figures):
        group = figure.name.rpartition(".")[0]
        if group:
            groups.setdefault(group, []).append(figure)
            fields[group] = _group_serializer(group)(groups[group])
        else:
            fields[figure.name] = _number(figure)
    return fields


class StandingSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=QuotaKind.values)
    of = serializers.ChoiceField(source="subject", choices=[ORGANISATION, API_KEY, MEMBER])
    used = serializers.IntegerField()
    limit = serializers.IntegerField(help_text="0 is no limit.")
    resets_at = serializers.DateTimeField(allow_null=True, help_text="Of a quota that is counted by the day.")


@extend_schema_serializer(many=False)
class UsageSerializer(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField()
    quotas = StandingSerializer(many=True, help_text="As they are now, whatever the period.")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **_figure_fields(of_workspaces=False)}


class WorkspaceUsageSerializer(serializers.Serializer[Any]):
    workspace = serializers.UUIDField()
    name = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **_figure_fields(of_workspaces=True)}


class LanguageSerializer(serializers.Serializer[Any]):
    language = serializers.CharField(help_text="A code of ISO 639-1; empty where it is not certain.")
    passages = serializers.IntegerField()


class ReferenceUsageSerializer(serializers.Serializer[Any]):
    reference = serializers.UUIDField()
    name = serializers.CharField()
    model = serializers.CharField(help_text="The embedding model that answers now.")
    languages = LanguageSerializer(many=True, help_text="The most frequent one first.")


class UsageViewSet(TenantViewSet):
    """What is there now, and what was ingested in a period: in the organisation, or in each of its workspaces. What was
    ingested counts although it was deleted since; that of deleted workspaces, for the organisation alone."""

    model = Workspace
    area = "organisation"
    roles = {"GET": Role.ADMIN}
    pagination_class = None
    filter_backends = ()

    @extend_schema(parameters=[PeriodSerializer], responses={200: UsageSerializer})
    def list(self, request: Request) -> Response:
        """Get the usage of the organisation."""
        period = _period(single_values(request.query_params))
        usage = usage_of_organisation(actor=self.actor, period=period)
        quotas = quotas_of_organisation(actor=self.actor)
        answer = {"since": period.since, "until": period.until, "quotas": quotas, **usage}
        return Response(UsageSerializer(answer).data)

    @extend_schema(parameters=[PeriodSerializer], responses={200: WorkspaceUsageSerializer(many=True)})
    @action(detail=False, methods=["get"], pagination_class=KeysetPagination)
    def workspaces(self, request: Request) -> Response:
        """List the usage of workspaces."""
        given = single_values(request.query_params)
        period = _period({name: value for name, value in given.items() if name not in RESERVED})
        page = self.paginate_queryset(self.get_queryset()) or []
        usage = usage_of_workspaces(
            actor=self.actor, workspace_ids=[workspace.pk for workspace in page], period=period
        )
        rows = [{"workspace": one.pk, "name": one.name, **usage[one.pk]} for one in page]
        return self.get_paginated_response(WorkspaceUsageSerializer(rows, many=True).data)

    @extend_schema(responses={200: ReferenceUsageSerializer(many=True)})
    @action(detail=False, methods=["get"], pagination_class=KeysetPagination)
    def references(self, request: Request) -> Response:
        """List the embedding models and the languages of references."""
        page = self.paginate_queryset(Reference.objects.all()) or []
        rows = usage_of_references(actor=self.actor, references=page)
        return self.get_paginated_response(ReferenceUsageSerializer(rows, many=True).data)


def _period(parameters: dict[str, str]) -> Period:
    serializer = PeriodSerializer(data=parameters)
    serializer.is_valid(raise_exception=True)
    period: Any = serializer.validated_data
    return period  # type: ignore[no-any-return]


ROUTES = {"usage": UsageViewSet, "me": MeViewSet, "events": EventViewSet}
