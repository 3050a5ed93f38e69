"""Workspaces, integrations, data sources and prices over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.serializers import TIMES, OylSerializer
from core.api.views import ADMINS, READ
from core.bounded_fields import MaxJsonLengthValidator
from core.isolation.scope import tenant_scope
from core.permissions import Role
from workspaces.data_sources import api as data_sources
from workspaces.data_sources import query_api
from workspaces.models import IntegrationConfig, ModelPrice, Workspace
from workspaces.services.connection_tests import check_connection, list_models


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


class ConnectionTestSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    code = serializers.CharField(
        help_text="One of the error codes of [connectors](connectors.md#errors), [chat models](chat-models.md#errors) "
        "and [addresses](outbound.md#errors); empty if it works."
    )
    detail = serializers.CharField(help_text="A sentence for people.")


class ModelListSerializer(serializers.Serializer[Any]):
    models = serializers.ListField(child=serializers.CharField())


class IntegrationConfigViewSet(AuditedViewSet):
    """Access to outside services. Secrets can be written and not read."""

    model = IntegrationConfig
    area = "workspaces"
    roles = ADMINS
    bound_by = {"workspace": ("workspace",)}
    serializer_class = IntegrationConfigSerializer
    filterset_fields = ["workspace", "name", "type_enum"]
    ordering_fields = ["name", "created_at"]

    @extend_schema(request=None, responses={200: ConnectionTestSerializer})
    @action(
        detail=True,
        methods=["post"],
        roles={"POST": Role.ADMIN},
        serializer_class=serializers.Serializer,  # without a body
        only_reads=True,
        opens_own_scopes=True,
    )
    def test(self, request: Request, pk: str) -> Response:
        """Try the connection, and say whether the service answers."""
        outcome = check_connection(actor=self.actor, integration_id=self._visible_id())
        return Response(asdict(outcome))

    @extend_schema(responses={200: ModelListSerializer})
    @action(detail=True, methods=["get"], roles={"GET": Role.ADMIN}, opens_own_scopes=True)
    def models(self, request: Request, pk: str) -> Response:
        """The models that the endpoint of a chat model lists."""
        return Response({"models": list_models(actor=self.actor, integration_id=self._visible_id())})

    def _visible_id(self) -> UUID:
        with tenant_scope(self.actor.tenant_id):
            found: UUID = self.get_object().pk
        return found


class ModelPriceSerializer(OylSerializer[ModelPrice]):
    class Meta(OylSerializer.Meta):
        model = ModelPrice
        fields = ("id", "model", "valid_from", "prompt_price", "completion_price", "currency", *TIMES)


class ModelPriceViewSet(AuditedViewSet):
    """What chat models cost, for a million tokens."""

    model = ModelPrice
    area = "workspaces"
    roles = ADMINS
    serializer_class = ModelPriceSerializer
    filterset_fields = ["model", "valid_from"]
    ordering_fields = ["model", "valid_from", "created_at"]


ROUTES = {
    "workspaces": WorkspaceViewSet,
    "integration-configs": IntegrationConfigViewSet,
    **data_sources.ROUTES,
    **query_api.ROUTES,
    "model-prices": ModelPriceViewSet,
}
