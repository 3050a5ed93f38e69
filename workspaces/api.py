"""Workspaces, integrations and data sources over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from audit.api import AuditedViewSet
from core.api.serializers import TIMES, OylSerializer
from core.api.views import ADMINS, READ
from core.bounded_fields import MaxJsonLengthValidator
from workspaces.models import DataSource, IntegrationConfig, Workspace


class WorkspaceSerializer(OylSerializer[Workspace]):
    class Meta(OylSerializer.Meta):
        model = Workspace
        fields = ("id", "name", "description", *TIMES)


class WorkspaceViewSet(AuditedViewSet):
    """Organisational units. One that has something in it cannot be deleted."""

    model = Workspace
    area = "workspaces"
    roles = {**ADMINS, **READ}
    bound_by = {"workspace": ("pk",)}
    serializer_class = WorkspaceSerializer
    filterset_fields = ["name"]
    ordering_fields = ["name", "created_at"]


class IntegrationConfigSerializer(OylSerializer[IntegrationConfig]):
    config = serializers.JSONField(
        source="config_encrypted_json",
        validators=[MaxJsonLengthValidator()],
        write_only=True,
        required=False,
        help_text="Access data of the outside service; it is encrypted and never shown again.",
    )
    has_config = serializers.SerializerMethodField(help_text="Whether access data are stored.")

    class Meta(OylSerializer.Meta):
        model = IntegrationConfig
        fields = ("id", "workspace", "name", "type_enum", "config", "has_config", *TIMES)
        fixed = ("workspace",)

    def get_has_config(self, row: IntegrationConfig) -> bool:
        return bool(row.config_encrypted_json)


class IntegrationConfigViewSet(AuditedViewSet):
    """Access to outside services. Secrets can be written and not read."""

    model = IntegrationConfig
    area = "workspaces"
    roles = ADMINS
    bound_by = {"workspace": ("workspace",)}
    serializer_class = IntegrationConfigSerializer
    filterset_fields = ["workspace", "name", "type_enum"]
    ordering_fields = ["name", "created_at"]


class DataSourceSerializer(OylSerializer[DataSource]):
    class Meta(OylSerializer.Meta):
        model = DataSource
        fields: Any = ("id", "workspace", "name", "schema_json", "row_count", *TIMES)
        fixed = ("workspace",)


class DataSourceViewSet(AuditedViewSet):
    """Tabular data."""

    model = DataSource
    area = "workspaces"
    bound_by = {"workspace": ("workspace",)}
    serializer_class = DataSourceSerializer
    filterset_fields = ["workspace", "name"]
    ordering_fields = ["name", "created_at"]


ROUTES = {
    "workspaces": WorkspaceViewSet,
    "integration-configs": IntegrationConfigViewSet,
    "data-sources": DataSourceViewSet,
}
