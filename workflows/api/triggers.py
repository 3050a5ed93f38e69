"""Triggers and incoming webhooks over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import Throttled
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api import AuditedViewSet
from core.api.parsers import TooLarge
from core.api.serializers import TIMES, ObjectField, OylSerializer
from core.api.views import WRITE
from core.bounded_fields import MaxJsonLengthValidator
from core.permissions import Role
from workflows.models import Trigger, TriggerKind
from workflows.services.triggers import delete_trigger, replace_secret, save_trigger
from workflows.triggers import webhooks


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {},
        "examples": [{"cron": "0 7 * * 1", "timezone": "Europe/Berlin"}],
    }
)
class TriggerConfigField(ObjectField):
    """Described by the schemas of the kinds of triggers."""


class TriggerSerializer(OylSerializer[Trigger]):
    webhook_url = serializers.SerializerMethodField(
        help_text="Of a webhook: where to send to. Keep it secret."
    )
    config_json = TriggerConfigField(required=False, validators=[MaxJsonLengthValidator()])

    class Meta(OylSerializer.Meta):
        model = Trigger
        fields = (
            "id",
            "workflow",
            "name",
            "kind",
            "is_enabled",
            "config_json",
            "webhook_url",
            "last_at",
            "next_at",
            "error_detail",
            *TIMES,
        )
        read_only_fields = ("last_at", "next_at", "error_detail")
        fixed = ("workflow", "kind")

    def get_webhook_url(self, trigger: Trigger) -> str:
        return webhooks.address_of(trigger) if trigger.kind == TriggerKind.WEBHOOK else ""


class NewTriggerSerializer(TriggerSerializer):
    webhook_secret = serializers.SerializerMethodField(
        help_text="Of a webhook: with which to sign, as in Standard Webhooks; shown in this answer, and never again."
    )

    class Meta(TriggerSerializer.Meta):
        fields: Any = (*TriggerSerializer.Meta.fields, "webhook_secret")

    def get_webhook_secret(self, trigger: Trigger) -> str:
        return webhooks.secret_of(trigger) if trigger.kind == TriggerKind.WEBHOOK else ""


class TriggerViewSet(AuditedViewSet):
    """What starts runs of a workflow without a person."""

    model = Trigger
    area = "workflows"
    roles = {**WRITE, "GET": Role.EDITOR}  # the answers have secrets
    shown_once = ("webhook_url", "webhook_secret")
    bound_by = {"workspace": ("workflow__workspace",)}
    serializer_class = TriggerSerializer
    filterset_fields = ["workflow", "kind", "is_enabled"]
    ordering_fields = ["name", "created_at"]

    def get_serializer_class(self) -> Any:
        return NewTriggerSerializer if self.action == "create" else super().get_serializer_class()

    @extend_schema(request=None, responses={200: NewTriggerSerializer})
    @action(detail=True, methods=["post"], roles={"POST": Role.EDITOR})
    def replace_secret(self, request: Request, pk: str) -> Response:
        """Give a webhook another address and another secret. The old ones open nothing any more."""
        trigger: Trigger = self.get_object()
        replace_secret(trigger, actor=self.actor)
        return Response(NewTriggerSerializer(trigger, context=self.get_serializer_context()).data)

    def save_instance(self, instance: Trigger) -> None:
        save_trigger(instance, actor=self.actor)

    def perform_destroy(self, instance: Trigger) -> None:
        delete_trigger(instance, actor=self.actor)


class _AnyParser(BaseParser):
    """The body is read as it is: its signature is of its bytes."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return None


class HookView(APIView):
    """Incoming webhooks, which docs/workflows.md describes. They are not in the OpenAPI document: a sender has its whole
    address from a trigger's `webhook_url`, no key, and a body of its own."""

    opens_own_scopes = True
    schema = None
    authentication_classes = ()
    permission_classes = ()
    parser_classes = (_AnyParser,)

    @classmethod
    def as_view(cls, **kwargs: Any) -> Any:
        view: Any = super().as_view(**kwargs)
        view.opens_own_scopes = True
        return view

    def post(self, request: Request, tenant: UUID, trigger: UUID, token: str) -> Response:
        """Start a run. A message with a `webhook-id` that was received before starts no second one."""
        number = webhooks.secret_number_of(trigger, token)
        result = webhooks.counted(trigger)
        if not result.allowed:
            raise Throttled(wait=result.wait)
        body = request._request.body
        if len(body) > webhooks.MAX_BYTES:
            raise TooLarge(f"A webhook may send {webhooks.MAX_BYTES:,} bytes.")
        event = webhooks.receive(
            tenant_id=tenant, trigger_id=trigger, number=number, body=body, headers=request.headers
        )
        return Response({"id": event}, status=202)
