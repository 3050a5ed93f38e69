"""Webhooks and their deliveries over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.serializers import TIMES, OylSerializer
from core.api.views import ADMINS, ReadViewSet
from core.isolation.scope import tenant_scope
from core.permissions import Role
from webhooks import services
from webhooks.events import TYPES
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookSubscription

ADMIN_GET, ADMIN_POST = {"GET": Role.ADMIN}, {"POST": Role.ADMIN}


class WebhookSerializer(OylSerializer[WebhookSubscription]):
    url = serializers.CharField(
        write_only=True,
        required=False,
        max_length=2000,
        help_text="Where to send to, as https://example.org/hooks/oyl. It is encrypted and never shown again.",
    )
    events = serializers.ListField(
        source="events_json",
        child=serializers.ChoiceField(choices=TYPES),
        min_length=1,
        max_length=len(TYPES),
        help_text="The types of the events to send.",
    )
    secret = serializers.SerializerMethodField(
        help_text="With which the receiver checks signatures. Only the answer that makes it has it; otherwise it is empty."
    )

    class Meta(OylSerializer.Meta):
        model = WebhookSubscription
        fields = (
            "id",
            "workspace",
            "name",
            "url",
            "host",
            "events",
            "with_texts",
            "is_enabled",
            "off_reason",
            "failing_since",
            "last_success_at",
            "secret",
            *TIMES,
        )
        read_only_fields = ("host", "off_reason", "failing_since", "last_success_at")
        fixed = ("workspace",)
        extra_kwargs = {
            "host": {"help_text": "The host of the address."},
            "is_enabled": {"help_text": "Whether messages are sent. What waits is sent when it is switched on again."},
            "off_reason": {"help_text": "Why OYL has switched it off; empty if a person has."},
            "failing_since": {"help_text": "When the receiver first failed to take the message that is tried now."},
            "last_success_at": {"help_text": "When the receiver last took a message."},
        }  # fmt: skip

    def get_secret(self, row: WebhookSubscription) -> str:
        return str(self.context.get("secret", ""))

    def validate(self, attrs: Any) -> Any:
        if self.instance is None and not attrs.get("url"):
            raise serializers.ValidationError({"url": "Give the address to which the messages are sent."})
        return attrs


class AttemptSerializer(OylSerializer[WebhookAttempt]):
    class Meta(OylSerializer.Meta):
        model = WebhookAttempt
        fields = (
            "id",
            "delivery",
            "created_at",
            "milliseconds",
            "status",
            "request_headers_json",
            "response_headers_json",
            "response_text",
            "error_code",
            "error_detail",
        )
        read_only_fields = fields


class DeliverySerializer(OylSerializer[WebhookDelivery]):
    class Meta(OylSerializer.Meta):
        model = WebhookDelivery
        fields = (
            "id",
            "subscription",
            "number",
            "type",
            "happened_at",
            "data_json",
            "state",
            "attempt",
            "available_at",
            "created_at",
            "finished_at",
            "error_code",
            "error_detail",
        )
        read_only_fields = fields


class WebhookViewSet(AuditedViewSet):
    """Addresses to which events of a workspace are sent, signed after Standard Webhooks."""

    model = WebhookSubscription
    area = "webhooks"
    roles = ADMINS
    bound_by = {"workspace": ("workspace",)}
    serializer_class = WebhookSerializer
    filterset_fields = ["workspace", "name", "is_enabled"]
    ordering_fields = ["name", "created_at"]
    shown_once = ("secret",)

    def perform_create(self, serializer: Any) -> None:
        serializer.instance = self._save(serializer, WebhookSubscription())

    def perform_update(self, serializer: Any) -> None:
        self._save(serializer, serializer.instance)

    def _save(self, serializer: Any, instance: WebhookSubscription) -> WebhookSubscription:
        given = {**serializer.validated_data}
        url = given.pop("url", "")
        for name, value in given.items():
            setattr(instance, name, value)
        instance.full_clean()
        serializer.context["secret"] = services.save_subscription(
            actor=self.actor, subscription=instance, url=url
        )
        self.check_bound(WebhookSubscription.objects.filter(pk=instance.pk), self.bound_by)
        return instance

    @extend_schema(request=None, responses={200: AttemptSerializer})
    @action(
        detail=True,
        methods=["post"],
        roles=ADMIN_POST,
        serializer_class=serializers.Serializer,  # without a body
        only_reads=True,
        opens_own_scopes=True,
    )
    def test(self, request: Request, pk: str) -> Response:
        """Send a message of the type `webhook.test` now, and answer what came back."""
        with tenant_scope(self.actor.tenant_id):
            found: UUID = self.get_object().pk
        attempt = services.send_test(actor=self.actor, subscription_id=found)
        return Response(AttemptSerializer(attempt, context=self.get_serializer_context()).data)

    @extend_schema(request=None, responses={200: WebhookSerializer})
    @action(
        detail=True,
        methods=["post"],
        roles=ADMIN_POST,
        url_path="rotate-secret",
        serializer_class=serializers.Serializer,
    )
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Make another secret. For 24 hours messages are signed with both."""
        found = self.get_object()
        secret = services.rotate_secret(actor=self.actor, subscription=found)
        context = {**self.get_serializer_context(), "secret": secret}
        return Response(WebhookSerializer(found, context=context).data)


class DeliveryViewSet(ReadViewSet):
    """What is, or was, sent to webhooks, newest first. Deliveries that have ended are kept for 30 days."""

    model = WebhookDelivery
    area = "webhooks"
    roles = {**ADMIN_GET, **ADMIN_POST}
    bound_by = {"workspace": ("subscription__workspace",)}
    serializer_class = DeliverySerializer
    filterset_fields = ["subscription", "state", "type"]
    ordering_fields = ["created_at"]

    @extend_schema(request=None, responses={200: DeliverySerializer})
    @action(detail=True, methods=["post"], roles=ADMIN_POST)
    def replay(self, request: Request, pk: str) -> Response:
        """Send a message that was sent, or passed over, again, with the same id."""
        return self._changed(services.replay)

    @extend_schema(request=None, responses={200: DeliverySerializer})
    @action(detail=True, methods=["post"], roles=ADMIN_POST)
    def cancel(self, request: Request, pk: str) -> Response:
        """Pass over a message that is not taken, so that the later ones are sent."""
        return self._changed(services.cancel)

    def _changed(self, change: Any) -> Response:
        delivery = change(actor=self.actor, delivery=self.get_object())
        return Response(DeliverySerializer(delivery, context=self.get_serializer_context()).data)


class AttemptViewSet(ReadViewSet):
    """Each attempt to deliver: what was sent, and what came back, newest first."""

    model = WebhookAttempt
    area = "webhooks"
    roles = ADMIN_GET
    bound_by = {"workspace": ("delivery__subscription__workspace",)}
    serializer_class = AttemptSerializer
    filterset_fields = ["delivery"]
    ordering_fields = ["created_at"]


ROUTES = {
    "webhooks": WebhookViewSet,
    "webhook-deliveries": DeliveryViewSet,
    "webhook-attempts": AttemptViewSet,
}
