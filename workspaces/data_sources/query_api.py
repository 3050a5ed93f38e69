"""Queries of databases that keep the rows of data sources, over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.serializers import TIMES, OylSerializer
from core.api.views import ADMINS, READ
from core.permissions import Role
from workspaces.data_sources.api import DataImportSerializer
from workspaces.data_sources.database_queries import delete_queries, run_query, save_query
from workspaces.models import DatabaseQuery, DataImport


class DatabaseQuerySerializer(OylSerializer[DatabaseQuery]):
    class Meta(OylSerializer.Meta):
        model = DatabaseQuery
        fields = ("id", "data_source", "integration", "sql", "every_minutes", *TIMES)
        fixed = ("data_source",)


class DatabaseQueryViewSet(AuditedViewSet):
    """Queries of databases, each of which keeps the rows of a data source. A deleted one leaves the rows as they are."""

    model = DatabaseQuery
    area = "workspaces"
    roles = {**ADMINS, **READ}
    bound_by = {"workspace": ("data_source__workspace",)}
    serializer_class = DatabaseQuerySerializer
    filterset_fields = ["data_source"]
    ordering_fields = ["created_at"]

    def save_instance(self, instance: Any) -> None:
        save_query(actor=self.actor, query=instance)

    def perform_destroy(self, instance: Any) -> None:
        delete_queries(actor=self.actor, queries=[instance])

    @extend_schema(request=None, responses={202: DataImportSerializer})
    @action(
        detail=True, methods=["post"], roles={"POST": Role.EDITOR}, serializer_class=serializers.Serializer
    )
    def run(self, request: Request, pk: str) -> Response:
        """Fetch the rows, now.

        The answer is the import: ask for it until its state is done.
        """
        row = run_query(actor=self.actor, query_id=self.get_object().pk)
        return Response(DataImportSerializer(DataImport.objects.get(pk=row.pk)).data, status=202)


ROUTES = {"database-queries": DatabaseQueryViewSet}
