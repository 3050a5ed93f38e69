"""Messages and traces over REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.access import readable_conversations
from conversations.api.answers import (
    EVENT_SCHEMA,
    RENDERERS,
    RESPONSES,
    SILENCE,
    CitationSerializer,
    HowSerializer,
    QuestionSerializer,
    SentenceSerializer,
    TableSerializer,
    answer_response,
)
from conversations.models import Message, MessageState, Trace
from conversations.presenting import shown_stages
from conversations.services.asking import edit, regenerate, stop
from conversations.services.cases import save_as_case
from conversations.services.following import Progress, follow
from conversations.streaming import SILENT_SECONDS
from core.api.events import EventsRenderer, EventStream, frame, has_seen, looked
from core.api.serializers import TIMES, OylSerializer, StrictSerializer
from core.api.views import READ, ReadViewSet
from core.errors import NotFoundError
from core.isolation.scope import tenant_scope
from core.name_fields import as_uuid
from core.permissions import Role
from knowledge.models import EvaluationCase

ASKS: Any = {
    "detail": True,
    "methods": ["post"],
    "roles": {"POST": Role.VIEWER},
    "renderer_classes": RENDERERS,
    "opens_own_scopes": True,
}
POLL_SECONDS = 0.3
LAST_EVENT = OpenApiParameter(
    "Last-Event-ID", str, OpenApiParameter.HEADER, description="The characters of the answer that you have."
)


class MessageSerializer(OylSerializer[Message]):
    citations = CitationSerializer(source="citations_json", many=True, read_only=True)
    tables = TableSerializer(
        source="tables_json",
        many=True,
        read_only=True,
        help_text="Rows of data sources on which the answer stands.",
    )
    sentences = SentenceSerializer(source="sentences_json", many=True, read_only=True)

    class Meta(OylSerializer.Meta):
        model = Message
        fields = (
            "id",
            "conversation",
            "parent",
            "role",
            "text",
            "state",
            "error_code",
            "error_detail",
            "assistant",
            "why",
            "is_refusal",
            "citations",
            "tables",
            "sentences",
            "model",
            "prompt_tokens",
            "completion_tokens",
            "price",
            "currency",
            "seconds",
            *TIMES,
        )
        read_only_fields = fields


class IntoSetSerializer(StrictSerializer):
    evaluation_set = serializers.UUIDField(
        required=False, help_text="One of the conversation's workspace; without it, the set 'Saved answers'."
    )


class CaseSerializer(serializers.Serializer[EvaluationCase]):
    id = serializers.UUIDField()
    evaluation_set = serializers.UUIDField(source="evaluation_set_id")
    question = serializers.CharField()
    expected_json = serializers.JSONField()


class MessageViewSet(ReadViewSet):
    """Questions and answers of the conversations that you can read. `parent` makes them a tree: several questions with the
    same parent, and several answers to the same question, are branches."""

    model = Message
    area = "conversations"
    bound_by = {"workspace": ("conversation__workspace",), "assistant": ("conversation__assistant",)}
    serializer_class = MessageSerializer
    filterset_fields = {
        "conversation": ["exact"],
        "parent": ["exact"],
        "role": ["exact"],
        "state": ["exact"],
        "text": ["icontains"],
        "created_at": ["gte", "lt"],
    }

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(conversation__in=readable_conversations(self.actor))

    @extend_schema(
        parameters=[LAST_EVENT], responses={(200, EventsRenderer.media_type): EVENT_SCHEMA, 204: None}
    )
    @action(detail=True, methods=["get"], roles=READ, renderer_classes=RENDERERS, opens_own_scopes=True)
    def events(self, request: Request, pk: str) -> HttpResponseBase:
        """Follow an answer.

        Server-sent events: `piece` with what is new, and at last `finished`, `stopped` or `failed` with the message. After a
        lost connection it goes on where the client was, by `Last-Event-ID`. A browser that connects again after the end gets
        a 204, and stops.
        """
        with tenant_scope(self.actor.tenant_id):
            message = self.get_object()
        if message.state != MessageState.GENERATING and has_seen(request.headers, len(message.text) + 1):
            return HttpResponse(status=204)
        return EventStream(self._frames(message.pk, _position(request)))

    @extend_schema(request=None, responses={200: MessageSerializer})
    @action(detail=True, methods=["post"], roles={"POST": Role.VIEWER})
    def stop(self, request: Request, pk: str) -> Response:
        """Stop an answer. Its text so far is kept."""
        message = stop(actor=self.actor, message=self.get_object().pk)
        return Response(self.get_serializer(message).data)

    @extend_schema(responses={201: CaseSerializer})
    @action(detail=True, methods=["post"], roles={"POST": Role.EDITOR}, serializer_class=IntoSetSerializer)
    def case(self, request: Request, pk: str) -> Response:
        """Save an answer's question in an evaluation set.

        The documents that the answer cites are the expected ones. Saving it again replaces the case.
        """
        given = IntoSetSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = save_as_case(actor=self.actor, message=_id_or_404(pk), **given.validated_data)
        return Response(CaseSerializer(row).data, status=201)

    @extend_schema(responses=RESPONSES)
    @action(serializer_class=HowSerializer, **ASKS)
    def regenerate(self, request: Request, pk: str) -> HttpResponseBase:
        """Answer a question again, as a branch beside it."""
        how = self._given(HowSerializer, request)
        events = regenerate(
            actor=self.actor,
            message=self._pk(),
            filters=how.validated_filters(),
            model=how.validated_model(),
        )
        return answer_response(self, events, streams=how.validated_data["stream"])

    @extend_schema(responses=RESPONSES)
    @action(serializer_class=QuestionSerializer, **ASKS)
    def edit(self, request: Request, pk: str) -> HttpResponseBase:
        """Ask another question in place of one, as a branch beside it."""
        how = self._given(QuestionSerializer, request)
        data = how.validated_data
        events = edit(
            actor=self.actor,
            message=self._pk(),
            question=data["question"],
            filters=how.validated_filters(),
            model=how.validated_model(),
        )
        return answer_response(self, events, streams=data["stream"])

    def _given(self, kind: type[HowSerializer], request: Request) -> HowSerializer:
        serializer = kind(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer

    def _pk(self) -> UUID:
        with tenant_scope(self.actor.tenant_id):
            pk: UUID = self.get_object().pk
        return pk

    async def _frames(self, message: UUID, position: int) -> AsyncIterator[bytes]:
        silent = 0.0

        def look() -> Progress:
            return follow(actor=self.actor, message=message, position=position)

        while await self.is_still_allowed():
            progress = await looked(look)
            text = progress.text if progress else ""
            position += len(text)
            if text:
                yield frame("piece", {"text": text}, position=position)
            if progress and progress.is_last:
                # One further than the text: the client has the end, too.
                end = len(progress.message.text) + 1
                yield frame(_end_of(progress), MessageSerializer(progress.message).data, position=end)
                return
            silent = 0.0 if text else silent + POLL_SECONDS
            if silent > SILENT_SECONDS:
                silent = 0.0
                yield SILENCE
            await asyncio.sleep(POLL_SECONDS)


def _id_or_404(pk: str) -> UUID:
    found = as_uuid(pk)
    if found is None:
        raise NotFoundError("There is no such message.")
    return found


def _position(request: Request) -> int:
    """0 for what is no number."""
    given = request.headers.get("Last-Event-ID", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _end_of(progress: Progress) -> str:
    names = {MessageState.DONE: "finished", MessageState.STOPPED: "stopped", MessageState.ERROR: "failed"}
    return names[MessageState(progress.message.state)]


class StageSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    began = serializers.FloatField(help_text="Seconds after the answer was begun.")
    seconds = serializers.FloatField()
    facts = serializers.DictField()


class TraceSerializer(OylSerializer[Trace]):
    stages = StageSerializer(source="stages_json", many=True, read_only=True)

    class Meta(OylSerializer.Meta):
        model = Trace
        fields = ("id", "message", "stages", "created_at")
        read_only_fields = fields

    def to_representation(self, instance: Trace) -> dict[str, Any]:
        instance.stages_json = shown_stages(instance.stages_json, self.context["view"].actor.role)
        data: dict[str, Any] = super().to_representation(instance)
        return data


class TraceViewSet(ReadViewSet):
    """How answers were made: what each stage returned, and how long it took."""

    model = Trace
    area = "conversations"
    bound_by = {
        "workspace": ("message__conversation__workspace",),
        "assistant": ("message__conversation__assistant",),
    }
    serializer_class = TraceSerializer
    filterset_fields = ["message"]

    def get_queryset(self) -> QuerySet[Any]:
        readable = readable_conversations(self.actor)
        return super().get_queryset().filter(message__conversation__in=readable)
