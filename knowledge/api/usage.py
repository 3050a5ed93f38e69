"""What is used, over REST."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge.models import DocumentStatus
from knowledge.services.usage import Period, usage_of_organisation, usage_of_workspaces
from tenants.api.fields import StrictSerializer
from tenants.api.pages import RESERVED, Pages, given_once
from tenants.api.views import TenantViewSet
from tenants.models import Role
from tenants.permissions import Area
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


class DocumentCountsSerializer(serializers.Serializer[Any]):
    """By status."""

    def get_fields(self) -> dict[str, Any]:
        return {str(status): serializers.IntegerField() for status in DocumentStatus}


class FiguresSerializer(serializers.Serializer[Any]):
    assistants = serializers.IntegerField()
    references = serializers.IntegerField()
    documents = DocumentCountsSerializer(source="*")
    document_bytes = serializers.IntegerField(help_text="Of the documents' originals.")
    chunks = serializers.IntegerField(help_text="Passages that can be found.")
    ingested = serializers.IntegerField(
        help_text="In the period: how often a document was ingested, first or anew."
    )
    ingested_chunks = serializers.IntegerField(help_text="In the period: passages made by that.")
    failed = serializers.IntegerField(
        help_text="In the period: how often that ended in error, and was not tried again since."
    )


@extend_schema_serializer(many=False)
class UsageSerializer(FiguresSerializer):
    since = serializers.DateField()
    until = serializers.DateField()
    members = serializers.IntegerField()
    api_keys = serializers.IntegerField(help_text="That are not revoked.")
    workspaces = serializers.IntegerField()
    files = serializers.IntegerField(help_text="Uploaded by `/v1/files`; documents made of them have copies.")
    file_bytes = serializers.IntegerField()


class WorkspaceUsageSerializer(FiguresSerializer):
    workspace = serializers.UUIDField()
    name = serializers.CharField()


class UsageViewSet(TenantViewSet):
    """What is there now, and what was ingested in a period: in the organisation, or in each of its workspaces. What was
    ingested counts although it was deleted since; that of deleted workspaces, for the organisation alone."""

    model = Workspace
    area = Area.ORGANISATION
    roles = {"GET": Role.ADMIN}
    pagination_class = None
    filter_backends = ()

    @extend_schema(parameters=[PeriodSerializer], responses={200: UsageSerializer})
    def list(self, request: Request) -> Response:
        """Get the usage of the organisation."""
        period = _period(given_once(request.query_params))
        usage = usage_of_organisation(actor=self.actor, period=period)
        return Response(UsageSerializer({"since": period.since, "until": period.until, **usage}).data)

    @extend_schema(parameters=[PeriodSerializer], responses={200: WorkspaceUsageSerializer(many=True)})
    @action(detail=False, methods=["get"], pagination_class=Pages)
    def workspaces(self, request: Request) -> Response:
        """List the usage of workspaces."""
        given = given_once(request.query_params)
        period = _period({name: value for name, value in given.items() if name not in RESERVED})
        page = self.paginate_queryset(self.get_queryset()) or []
        usage = usage_of_workspaces(actor=self.actor, workspaces=page, period=period)
        return self.get_paginated_response(WorkspaceUsageSerializer(usage, many=True).data)


def _period(asked: dict[str, str]) -> Period:
    serializer = PeriodSerializer(data=asked)
    serializer.is_valid(raise_exception=True)
    period: Any = serializer.validated_data
    return period  # type: ignore[no-any-return]
