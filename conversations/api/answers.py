"""An answer as a response: as JSON when it has ended, or as server-sent events while it is made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import exceptions, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.answering.events import Event, Failed, Finished, FinishedReply, Piece
from conversations.answering.values import Support, Turn
from conversations.limits import ANSWER_LENGTH
from conversations.model_choice import ModelChoice
from conversations.presenting import shown_event, shown_reply
from conversations.questions import HISTORY_MESSAGES
from conversations.running import AnswerRun
from conversations.services.following import is_read
from conversations.streaming import streamed
from core.api.events import MEDIA_TYPE, EventsRenderer, EventStream, frame
from core.api.serializers import StrictSerializer
from core.api.views import TenantViewSet
from core.bounded_fields import INSTRUCTION_LENGTH
from core.errors import TookTooLongError
from core.request_work import RequestWork
from engines.chat import Role
from knowledge.api.search import FiltersSerializer, search_filters
from knowledge.search.filters import SearchFilters
from knowledge.search.service import MAX_QUERY_LENGTH

# A client that waits for longer should ask for events.
SECONDS = 600.0
# The statuses of failures that are not those of a model or an engine (502).
STATUSES = {
    "quota_exceeded": 429,
    "too_busy": 429,
    "filter_invalid": 422,
    "invalid_filter": 422,
    "not_found": 404,
    "nobody_answers": 409,
    "assistant_suspended": 409,
}
SILENCE = b": nothing yet\n\n"
EVENT_HELP = """\
Server-sent events: `started` with the ids, `routed` with who answers and why, `retrieved` with the passages, `piece` with
the next part of the text, `tool_used`, and at last `finished` with the whole answer, or `failed` with `code`, `detail`."""
EVENT_SCHEMA = {"type": "string", "description": EVENT_HELP}


class AnswerFailed(exceptions.APIException):
    """The answer ended in error."""

    status_code = 502

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.detail, code=failed.code)
        self.status_code = STATUSES.get(failed.code, self.status_code)


class ChosenModelSerializer(StrictSerializer):
    integration = serializers.UUIDField(required=False, allow_null=True, help_text="Of the workspace.")
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=255, help_text="Of its endpoint, or `local`."
    )


class HowSerializer(StrictSerializer):
    """How an answer is made and sent."""

    filters = FiltersSerializer(required=False, help_text="They narrow what the assistant reads.")
    stream = serializers.BooleanField(
        default=False, help_text="Send events while the answer is made, as with `Accept: text/event-stream`."
    )

    model = ChosenModelSerializer(
        required=False,
        allow_null=True,
        help_text="Another chat model than the assistant's, to compare them: for editors. Empty: passages are quoted.",
    )

    def validated_model(self) -> ModelChoice | None:
        given = self.validated_data.get("model")
        return None if given is None else ModelChoice(**given)

    def validated_filters(self) -> SearchFilters:
        return search_filters(self.validated_data.get("filters", {}))


class QuestionSerializer(HowSerializer):
    question = serializers.CharField(max_length=MAX_QUERY_LENGTH)


class TurnSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=[Role.USER.value, Role.ASSISTANT.value])
    text = serializers.CharField(max_length=ANSWER_LENGTH)


class AskSerializer(QuestionSerializer):
    conversation = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="One of yours with the same partner. Without it, a new one is begun.",
    )
    parent = serializers.UUIDField(  # type: ignore[assignment]
        required=False,
        allow_null=True,
        help_text="The answer that the question follows; without it, the last one.",
    )
    keep = serializers.BooleanField(
        default=True,
        help_text="With false, neither question nor answer is kept; the audit log has the question.",
    )
    history = serializers.ListField(
        child=TurnSerializer(),
        required=False,
        max_length=HISTORY_MESSAGES,
        help_text="The turns before a question without a `conversation`, the oldest first.",
    )

    draft = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=INSTRUCTION_LENGTH,
        help_text="Tried in place of an assistant's published instruction, with `keep` false: for editors.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("parent") and not attrs.get("conversation"):
            raise serializers.ValidationError({"parent": "Give its conversation, too."})
        if attrs.get("conversation") and not attrs["keep"]:
            raise serializers.ValidationError({"keep": "What is asked in a conversation is kept."})
        return attrs

    def validated_history(self) -> list[Turn]:
        turns = self.validated_data.get("history", ())
        return [Turn(role=Role(turn["role"]), text=turn["text"]) for turn in turns]


class CitationSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="Its mark in the answer: `[1]`.")
    document = serializers.UUIDField()
    chunk = serializers.UUIDField()
    filename = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    heading = serializers.ListField(child=serializers.CharField())
    text = serializers.CharField()
    start = serializers.IntegerField(help_text="In characters of the document's text.")
    end = serializers.IntegerField()
    url = serializers.CharField(
        default="", help_text="Where the document comes from; empty if it is not known."
    )


class CitedSourceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class TableSerializer(serializers.Serializer[Any]):
    """The rows of a query that the answer stands on."""

    number = serializers.IntegerField(help_text="Its mark in the answer: `[1]`.")
    sql = serializers.CharField(help_text="The query, as it was run.")
    data_sources = CitedSourceSerializer(many=True, help_text="Those that it has read.")
    columns = serializers.ListField(child=serializers.CharField(), help_text="Their names.")
    rows = serializers.ListField(
        child=serializers.JSONField(),
        help_text="Each a list of values, in the order of the columns; the first 32 kB.",
    )
    row_count = serializers.IntegerField(help_text="The rows that the query has returned.")
    is_cut = serializers.BooleanField(help_text="Whether there are further rows.")


class SentenceSerializer(serializers.Serializer[Any]):
    start = serializers.IntegerField(help_text="In characters of the answer.")
    end = serializers.IntegerField()
    cited = serializers.ListField(child=serializers.IntegerField())
    support = serializers.ChoiceField(
        choices=[one.value for one in Support], help_text="How well the cited passages support it."
    )
    reason = serializers.CharField(help_text="What they do not have.")


class TokensSerializer(serializers.Serializer[Any]):
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    is_estimated = serializers.BooleanField()


class ReplySerializer(serializers.Serializer[Any]):
    answer = serializers.CharField(help_text="With the marks `[1]` of its citations.")
    citations = CitationSerializer(many=True)
    tables = TableSerializer(many=True, help_text="Rows of data sources on which the answer stands.")
    sentences = SentenceSerializer(many=True)
    is_refusal = serializers.BooleanField(help_text="Whether the documents do not have the answer.")
    is_stopped = serializers.BooleanField(help_text="Whether it was ended before its end.")
    is_cut_off = serializers.BooleanField(
        help_text="Whether it ended because the model's tokens were used up."
    )
    model = serializers.CharField(
        help_text="`extractive` for quotations, `structured` for rows without a model."
    )
    assistant = serializers.CharField()
    assistant_id = serializers.UUIDField()
    why = serializers.CharField(help_text="Why this assistant answered.")
    usage = TokensSerializer()
    price = serializers.CharField(allow_null=True, help_text="A decimal number.")
    currency = serializers.CharField()
    seconds = serializers.FloatField()
    message_id = serializers.UUIDField(allow_null=True)
    conversation_id = serializers.UUIDField(allow_null=True)
    trace_id = serializers.UUIDField(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())


RESPONSES: Any = {200: ReplySerializer, (200, EventsRenderer.media_type): EVENT_SCHEMA}
RENDERERS = (JSONRenderer, EventsRenderer)


def answer_response(view: TenantViewSet, answer: AnswerRun, *, streams: bool) -> HttpResponseBase:
    """Events if the client has asked for them."""
    if streams or view.request.accepted_renderer.media_type == MEDIA_TYPE:
        return EventStream(_frames(view, answer))
    return Response(shown_reply(finished_reply(view.request, answer)))


def finished_reply(
    request: Request, answer: AnswerRun, note: Callable[[Event], None] = lambda event: None
) -> FinishedReply:
    """Wait for the end of the answer; `note` is called with each event. Raises AnswerFailed, and ClientLeftError: a client
    that leaves stops the answer."""
    work = RequestWork(request._request, SECONDS, on_leaving=answer.stop)
    with closing(answer) as events:
        for event in events:
            work.check()
            note(event)
            if isinstance(event, Failed):
                raise AnswerFailed(event)
            if isinstance(event, Finished):
                return event.reply
    raise TookTooLongError


async def _frames(view: TenantViewSet, answer: AnswerRun) -> AsyncIterator[bytes]:
    """The id of each is the number of characters of the answer so far."""
    position, row = 0, answer.message_id
    is_followed = partial(is_read, view.actor.tenant_id, row) if row else None
    async for event in streamed(answer, is_allowed=view.is_still_allowed, is_read=is_followed):
        if isinstance(event, Piece):
            position += len(event.text)
        yield SILENCE if event is None else frame(*shown_event(event), position=position)
