"""Workspaces and what they connect to, over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from audit.api import SimpleViewSet
from tenants.api.fields import TIMES, OylSerializer
from tenants.api.views import ADMINS, READ
from tenants.permissions import Area, Bound
from workspaces.models import DataSource, IntegrationConfig, Workspace


class WorkspaceSerializer(OylSerializer[Workspace]):
    class Meta(OylSerializer.Meta):
        model = Workspace
        fields = ("id", "name", "description", *TIMES)


class WorkspaceViewSet(SimpleViewSet):
    """Organisational units. One that has something in it cannot be deleted."""

    model = Workspace
    area = Area.WORKSPACES
    roles = {**ADMINS, **READ}
    bound_by = {Bound.WORKSPACE: ("pk",)}
    serializer_class = WorkspaceSerializer
    filterset_fields = ["name"]
    ordering_fields = ["name", "created_at"]


class IntegrationConfigSerializer(OylSerializer[IntegrationConfig]):
    config = serializers.JSONField(
        source="config_encrypted_json",
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


class IntegrationConfigViewSet(SimpleViewSet):
    """Access to outside services. Secrets can be written and not read."""

    model = IntegrationConfig
    area = Area.WORKSPACES
    roles = ADMINS
    bound_by = {Bound.WORKSPACE: ("workspace",)}
    serializer_class = IntegrationConfigSerializer
    filterset_fields = ["workspace", "name", "type_enum"]
    ordering_fields = ["name", "created_at"]


class DataSourceSerializer(OylSerializer[DataSource]):
    class Meta(OylSerializer.Meta):
        model = DataSource
        fields: Any = ("id", "workspace", "name", "schema_json", "row_count", *TIMES)
        fixed = ("workspace",)


class DataSourceViewSet(SimpleViewSet):
    """Tabular data."""

    model = DataSource
    area = Area.WORKSPACES
    bound_by = {Bound.WORKSPACE: ("workspace",)}
    serializer_class = DataSourceSerializer
    filterset_fields = ["workspace", "name"]
    ordering_fields = ["name", "created_at"]
