"""Feedback over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.access import owner_of
from conversations.models import Feedback, Message
from conversations.services.feedback import delete_feedback, give_feedback
from core.api.serializers import TIMES, OylSerializer, RelatedField
from core.api.views import READ, ReadViewSet
from core.permissions import Role


class FeedbackSerializer(OylSerializer[Feedback]):
    message = RelatedField(queryset=Message.objects, help_text="An answer that you can read.")

    class Meta(OylSerializer.Meta):
        model = Feedback
        fields = ("id", "message", "citation", "rating", "reason", "comment", *TIMES)


class FeedbackViewSet(ReadViewSet):
    """What people think of answers, or of single citations: your own, and for editors that of all."""

    model = Feedback
    area = "conversations"
    roles = {**READ, "POST": Role.VIEWER, "DELETE": Role.VIEWER}
    bound_by = {
        "workspace": ("message__conversation__workspace",),
        "assistant": ("message__conversation__assistant",),
    }
    serializer_class = FeedbackSerializer
    filterset_fields = ["message", "rating", "reason"]

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        sees_all = self.request.method == "GET" and self.actor.role.rank >= Role.EDITOR.rank
        return rows if sees_all else rows.filter(owner=owner_of(self.actor))

    @extend_schema(responses={201: FeedbackSerializer})
    def create(self, request: Request) -> Response:
        """Give feedback. It replaces what you have said of the same before."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = {**serializer.validated_data}
        message = data.pop("message")
        row = give_feedback(actor=self.actor, message=message.pk, **data)
        return Response(self.get_serializer(row).data, status=201)

    def destroy(self, request: Request, pk: str) -> Response:
        delete_feedback(actor=self.actor, feedback=self.get_object().pk)
        return Response(status=204)
