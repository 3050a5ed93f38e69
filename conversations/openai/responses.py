"""`/v1/responses`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.access import own_message
from conversations.api.answers import SILENCE, finished_reply
from conversations.openai.chat import ASKED
from conversations.openai.inputs import (
    EFFORTS,
    MAX_MESSAGE_LENGTH,
    MAX_MESSAGES,
    Messages,
    SamplingSerializer,
    read_messages,
    sampling_of,
)
from conversations.openai.partners import as_target, partner_named
from conversations.openai.response_objects import RESPONSE, ResponseWriter
from conversations.running import AnswerRun
from conversations.services.asking import ask
from conversations.streaming import streamed
from core.api.events import EventStream, frame
from core.api.openai.fields import Field, IdField
from core.api.openai.ids import as_id
from core.api.openai.views import OpenAIViewSet, validated
from core.api.serializers import TypedSerializer
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.chat import Sampling

RESULTS = "file_search_call.results"
# The request's values that a response repeats.
REPEATED = ("instructions", "metadata", "temperature", "top_p", "max_output_tokens")


class InputField(Field):
    """A text, or messages."""

    def to_internal_value(self, data: Any) -> Messages:
        messages = [{"role": "user", "content": data}] if isinstance(data, str) else data
        if not isinstance(messages, list) or not 0 < len(messages) <= MAX_MESSAGES:
            raise serializers.ValidationError(f"Send a text, or 1 to {MAX_MESSAGES} items.")
        return read_messages(messages)


class ReasoningSerializer(TypedSerializer):
    effort = serializers.ChoiceField(choices=EFFORTS, required=False, allow_null=True)


class ResponseRequestSerializer(SamplingSerializer):
    input = InputField()
    instructions = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=MAX_MESSAGE_LENGTH
    )
    previous_response_id = IdField(required=False, allow_null=True)
    store = serializers.BooleanField(default=True, allow_null=True)
    include = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True)
    max_output_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    metadata = serializers.DictField(required=False, allow_null=True)
    reasoning = ReasoningSerializer(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("previous_response_id") and attrs["store"] is False:
            raise serializers.ValidationError({"store": "What follows another response is kept."})
        return attrs


class ResponseViewSet(OpenAIViewSet):
    """An answer of an assistant or a teammate. It is kept, so that another one may follow it, unless `store` is false."""

    area = "conversations"
    roles = {"POST": Role.VIEWER}
    bound_by = ASKED
    opens_own_scopes = True

    def create(self, request: Request) -> HttpResponseBase:
        data = validated(ResponseRequestSerializer, request.data)
        messages, parent = data["input"], data.get("previous_response_id")
        with tenant_scope(self.actor.tenant_id):
            whom = as_target(partner_named(self.actor, data["model"]))
            conversation = own_message(self.actor, parent).conversation_id if parent else None
        answer = ask(
            actor=self.actor,
            **whom,
            question=messages.question,
            history=messages.history,
            instructions="\n\n".join(filter(None, [data.get("instructions"), messages.instructions])),
            conversation=conversation,
            parent=parent,
            keep=data["store"] is not False,
            overrides=_sampling(data),
        )
        writer = ResponseWriter(
            model=data["model"],
            question=messages.question,
            includes_results=RESULTS in (data.get("include") or ()),
            facts={name: data.get(name) for name in REPEATED}
            | {"previous_response_id": as_id(RESPONSE, parent) if parent else None},
        )
        if data["stream"]:
            return EventStream(self._streamed(answer, writer))
        return Response(writer.whole(finished_reply(request, answer, writer.note)))

    async def _streamed(self, answer: AnswerRun, writer: ResponseWriter) -> AsyncIterator[bytes]:
        async for event in streamed(answer, is_allowed=self.is_still_allowed, is_read=None):
            if event is None:
                yield SILENCE
                continue
            for one in writer.events(event):
                yield frame(one["type"], one)


def _sampling(data: dict[str, Any]) -> Sampling:
    effort = (data.get("reasoning") or {}).get("effort")
    return sampling_of(data, max_tokens=data.get("max_output_tokens"), effort=effort)
