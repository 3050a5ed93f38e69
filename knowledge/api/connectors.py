"""Connectors and their runs over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.serializers import TIMES, ObjectField, OylSerializer, StrictSerializer
from core.api.views import ADMINS, READ, ReadViewSet
from core.permissions import Role
from knowledge.bound_lookups import lookups_through
from knowledge.connectors.services import (
    decide_prune,
    delete_connectors,
    failures_of,
    save_connector,
    start_sync,
)
from knowledge.models import Connector, ConnectorRun


@extend_schema_field(
    {"type": "object", "additionalProperties": {}, "examples": [{"urls": ["https://example.org/handbook/"]}]}
)
class _ConfigField(ObjectField):
    """Of the connector's kind."""


class ConnectorSerializer(OylSerializer[Connector]):
    config_json = _ConfigField(
        required=False, help_text="What is fetched: see the kinds of [connectors](connectors.md#kinds)."
    )

    class Meta(OylSerializer.Meta):
        model = Connector
        fields = ("id", "reference", "name", "kind", "integration", "config_json", "every_minutes", *TIMES)
        fixed = ("reference", "kind")


class ConnectorRunSerializer(OylSerializer[ConnectorRun]):
    class Meta(OylSerializer.Meta):
        model = ConnectorRun
        fields = (
            "id",
            "connector",
            "state",
            "stage",
            "added",
            "updated",
            "unchanged",
            "removed",
            "failed",
            "gone",
            "error_code",
            "error_detail",
            "available_at",
            "started_at",
            "finished_at",
            *TIMES,
        )
        read_only_fields = fields


class FailureSerializer(serializers.Serializer[Any]):
    item = serializers.CharField(
        help_text="The item's name in the source: a path, an address or a mail's number."
    )
    code = serializers.CharField(help_text="One of the [error codes](connectors.md#errors).")
    detail = serializers.CharField(help_text="A sentence for people.")


class FailureListSerializer(serializers.Serializer[Any]):
    failed = FailureSerializer(many=True)


class PruneSerializer(StrictSerializer):
    remove = serializers.BooleanField(
        help_text="True: remove the documents that have gone. False: leave them."
    )


class ConnectorViewSet(AuditedViewSet):
    """Connectors keep documents as they are at their source: a web site, a store, a mailbox. A deleted one leaves its
    documents."""

    model = Connector
    area = "knowledge"
    roles = {**ADMINS, **READ}
    bound_by = lookups_through("reference")
    serializer_class = ConnectorSerializer
    filterset_fields = ["reference", "name", "kind"]
    ordering_fields = ["name", "created_at"]

    def save_instance(self, instance: Any) -> None:
        save_connector(actor=self.actor, connector=instance)

    def perform_destroy(self, instance: Any) -> None:
        delete_connectors(actor=self.actor, connectors=[instance])

    @extend_schema(request=None, responses={202: ConnectorRunSerializer})
    @action(
        detail=True, methods=["post"], roles={"POST": Role.EDITOR}, serializer_class=serializers.Serializer
    )
    def sync(self, request: Request, pk: str) -> Response:
        """Fetch what has changed, now.

        The answer is the run: ask for it until its state is done.
        """
        run = start_sync(actor=self.actor, connector_id=self.get_object().pk)
        return Response(ConnectorRunSerializer(run).data, status=202)


class ConnectorRunViewSet(ReadViewSet):
    """Runs of connectors. One in the state waiting asks whether to remove `gone` documents."""

    model = ConnectorRun
    area = "knowledge"
    roles = READ
    bound_by = lookups_through("connector__reference")
    serializer_class = ConnectorRunSerializer
    filterset_fields = ["connector", "state"]

    @extend_schema(responses={200: FailureListSerializer})
    @action(detail=True, methods=["get"], roles={"GET": Role.VIEWER})
    def failures(self, request: Request, pk: str) -> Response:
        """The items that the run could not fetch, and why; the first thousand."""
        return Response({"failed": failures_of(self.get_object())})

    @extend_schema(request=PruneSerializer, responses={200: ConnectorRunSerializer})
    @action(detail=True, methods=["post"], roles={"POST": Role.ADMIN}, serializer_class=PruneSerializer)
    def prune(self, request: Request, pk: str) -> Response:
        """Answer a run that asks whether to remove the documents that have gone."""
        run = self.get_object()
        given = PruneSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decide_prune(actor=self.actor, run_id=run.pk, remove=given.validated_data["remove"])
        run.refresh_from_db()
        return Response(ConnectorRunSerializer(run).data)
