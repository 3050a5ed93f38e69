"""Conversations over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from audit.api import AuditedViewSet
from conversations.access import CONVERSATION_LOOKUPS, own_conversations, readable_conversations
from conversations.api.messages import MessageSerializer
from conversations.models import Conversation, Retention
from conversations.services.conversations import (
    as_markdown,
    change_conversation,
    delete_conversation,
    export_conversation,
)
from core.api.serializers import TIMES, OylSerializer
from core.api.views import ADMINS, READ, ReadViewSet
from core.permissions import Role


class ConversationSerializer(OylSerializer[Conversation]):
    class Meta(OylSerializer.Meta):
        model = Conversation
        fields = ("id", "workspace", "assistant", "teammate", "title", "is_shared", *TIMES)
        read_only_fields = ("workspace", "assistant", "teammate")


class ExportSerializer(serializers.Serializer[Any]):
    conversation = ConversationSerializer()
    messages = MessageSerializer(many=True)


class MarkdownRenderer(BaseRenderer):
    media_type, format, charset = "text/markdown", "md", "utf-8"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return data if isinstance(data, str) else JSONRenderer().render(data)


class ConversationViewSet(ReadViewSet):
    """Your own ones, and those that others have shared. Asking begins and continues them. Only its owner changes one."""

    model = Conversation
    area = "conversations"
    roles = {**READ, "PATCH": Role.VIEWER, "DELETE": Role.VIEWER}
    bound_by = CONVERSATION_LOOKUPS
    serializer_class = ConversationSerializer
    filterset_fields = {
        "assistant": ["exact"],
        "teammate": ["exact"],
        "workspace": ["exact"],
        "is_shared": ["exact"],
        "title": ["exact", "icontains"],
        "updated_at": ["gte", "lt"],
    }
    ordering_fields = ["created_at", "updated_at", "title"]

    def get_queryset(self) -> QuerySet[Any]:
        rows = readable_conversations if self.request.method == "GET" else own_conversations
        return rows(self.actor)

    def partial_update(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        serializer = self.get_serializer(row, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = change_conversation(actor=self.actor, conversation=row.pk, **serializer.validated_data)
        return Response(self.get_serializer(changed).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """With its messages, for good."""
        delete_conversation(actor=self.actor, conversation=self.get_object().pk)
        return Response(status=204)

    @extend_schema(responses={200: ExportSerializer, (200, MarkdownRenderer.media_type): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], roles=READ, renderer_classes=(JSONRenderer, MarkdownRenderer))
    def export(self, request: Request, pk: str) -> Response:
        """Export a conversation.

        As JSON, or as Markdown with `Accept: text/markdown`.
        """
        row, messages = export_conversation(actor=self.actor, conversation=self.get_object().pk)
        if request.accepted_renderer.media_type == MarkdownRenderer.media_type:
            return Response(as_markdown(row, messages))
        return Response(ExportSerializer({"conversation": row, "messages": messages}).data)


class RetentionSerializer(OylSerializer[Retention]):
    class Meta(OylSerializer.Meta):
        model = Retention
        fields = ("id", "days", *TIMES)


class RetentionViewSet(AuditedViewSet):
    """How long conversations are kept. There is one at most; without it, they are kept until somebody deletes them."""

    model = Retention
    area = "conversations"
    roles = ADMINS
    serializer_class = RetentionSerializer

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set how long conversations are kept, in place of what was set before."""
        return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        row = Retention.objects.first() or Retention()
        row.days = serializer.validated_data["days"]
        serializer.instance = self.validate_and_save(row)
