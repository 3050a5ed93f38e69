"""`/v1/chat/completions`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.answering.events import Event, Failed, Finished, FinishedReply, Piece, Started
from conversations.api.answers import SILENCE, AnswerFailed, finished_reply
from conversations.openai.citations import table_citations, url_citations
from conversations.openai.inputs import (
    EFFORTS,
    MAX_MESSAGES,
    SamplingSerializer,
    StopField,
    read_messages,
    sampling_of,
)
from conversations.openai.partners import as_target, partner_named
from conversations.running import AnswerRun
from conversations.services.asking import ask
from conversations.streaming import streamed
from core.api.bound_rows import BoundLookups
from core.api.events import EventStream, data_frame
from core.api.openai.errors import envelope
from core.api.openai.ids import as_id
from core.api.openai.views import OpenAIViewSet, validated
from core.api.serializers import TypedSerializer
from core.isolation.scope import tenant_scope
from core.permissions import Role

DONE = b"data: [DONE]\n\n"
# What a key may be bound to, to ask.
ASKED: BoundLookups = {"workspace": (), "assistant": ()}


class StreamOptionsSerializer(TypedSerializer):
    include_usage = serializers.BooleanField(default=False)


class CompletionRequestSerializer(SamplingSerializer):
    messages = serializers.ListField(min_length=1, max_length=MAX_MESSAGES)
    stream_options = StreamOptionsSerializer(required=False, allow_null=True)
    store = serializers.BooleanField(default=False, allow_null=True)
    max_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    max_completion_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    seed = serializers.IntegerField(required=False, allow_null=True)
    stop = StopField(required=False, allow_null=True)
    reasoning_effort = serializers.ChoiceField(choices=EFFORTS, required=False, allow_null=True)

    def validate_messages(self, value: list[Any]) -> Any:
        return read_messages(value)


def finish_reason(reply: FinishedReply) -> str:
    return "length" if reply.is_cut_off else "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The objects of one answer. `address` is OYL's own."""

    model: str
    address: str
    includes_usage: bool = False
    pk: UUID = field(default_factory=uuid4)
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, reply: FinishedReply) -> dict[str, Any]:
        message = {"role": "assistant", "content": reply.answer, "refusal": None, **self._citations(reply)}
        choice = {"index": 0, "message": message, "finish_reason": finish_reason(reply), "logprobs": None}
        return {**self._facts("chat.completion"), "choices": [choice], "usage": usage_of(reply)}

    def chunks(self, event: Event) -> Iterator[dict[str, Any]]:
        match event:
            case Started():
                yield self._chunk({"role": "assistant", "content": ""})
            case Piece(text=text):
                yield self._chunk({"content": text})
            case Finished(reply=reply):
                yield self._chunk(self._citations(reply), finish_reason=finish_reason(reply))
                if self.includes_usage:
                    yield {**self._facts("chat.completion.chunk"), "choices": [], "usage": usage_of(reply)}
            case Failed():
                status = AnswerFailed(event).status_code
                yield envelope(status, event.code, event.detail, [])

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        usage = {"usage": None} if self.includes_usage else {}
        return {**self._facts("chat.completion.chunk"), "choices": [choice], **usage}

    def _facts(self, kind: str) -> dict[str, Any]:
        return {
            "id": as_id("chatcmpl-", self.pk),
            "object": kind,
            "created": self.created,
            "model": self.model,
        }

    def _citations(self, reply: FinishedReply) -> dict[str, Any]:
        passages = url_citations(reply.answer, reply.citations, self.address)
        return {"annotations": [*passages, *table_citations(reply.answer, reply.tables, self.address)]}


def usage_of(reply: FinishedReply) -> dict[str, int]:
    prompt, completion = reply.usage.prompt_tokens, reply.usage.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


class CompletionViewSet(OpenAIViewSet):
    """An answer of an assistant or a teammate. The messages before the question are its history; nothing is kept of the
    conversation unless `store` is true."""

    area = "conversations"
    roles = {"POST": Role.VIEWER}
    bound_by = ASKED
    opens_own_scopes = True

    def create(self, request: Request) -> HttpResponseBase:
        data = validated(CompletionRequestSerializer, request.data)
        with tenant_scope(self.actor.tenant_id):
            partner = partner_named(self.actor, data["model"])
        messages = data["messages"]
        answer = ask(
            actor=self.actor,
            **as_target(partner),
            question=messages.question,
            history=messages.history,
            instructions=messages.instructions,
            keep=bool(data["store"]),
            overrides=sampling_of(
                data,
                max_tokens=data.get("max_completion_tokens") or data.get("max_tokens"),
                effort=data.get("reasoning_effort"),
            ),
        )
        completion = Completion(
            model=data["model"],
            address=request.build_absolute_uri("/").rstrip("/"),
            includes_usage=(data.get("stream_options") or {}).get("include_usage", False),
        )
        if data["stream"]:
            return EventStream(self._streamed(answer, completion))
        return Response(completion.whole(finished_reply(request, answer)))

    async def _streamed(self, answer: AnswerRun, completion: Completion) -> AsyncIterator[bytes]:
        async for event in streamed(answer, is_allowed=self.is_still_allowed, is_read=None):
            if event is None:
                yield SILENCE
                continue
            for chunk in completion.chunks(event):
                yield data_frame(chunk)
            if isinstance(event, Finished | Failed):
                yield DONE
