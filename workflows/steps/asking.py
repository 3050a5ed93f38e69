"""Asking an assistant or a teammate, for both types of steps that do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from conversations.answering.events import Failed, Finished, FinishedReply
from conversations.answering.tracing import as_json
from conversations.presenting import shown_reply
from conversations.services.asking import ask
from core.error_codes import ERROR_CODES
from knowledge.search.filters import SearchFilters
from workflows.steps.base import Output, StepContext, StepError, expression, template
from workflows.steps.filters import WHERE, filters_of
from workflows.steps.reach import bound_actor

CONFIG: Mapping[str, Any] = {
    "question": template("The question"),
    "where": WHERE,
    "documents": expression("The ids of the documents that may be read; without it, all"),
}
_TEXT, _ID = {"type": "string"}, {"type": ["string", "null"], "format": "uuid"}
ANSWER_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "title": "The answer with its sources, and the ids of its message, conversation and trace",
    "properties": {
        "answer": _TEXT,
        "is_refusal": {"type": "boolean", "title": "Whether the documents do not have the answer"},
        "citations": {"type": "array", "title": "The passages that it stands on"},
        "tables": {"type": "array", "title": "The rows of queries that it stands on"},
        "assistant": {"type": ["string", "null"], "title": "Who has answered"},
        "assistant_id": _ID,
        "why": {"type": "string", "title": "Why this one has answered"},
        "model": _TEXT,
        "message_id": _ID,
        "conversation_id": _ID,
        "trace_id": _ID,
        "warnings": {"type": "array"},
    },
}
# Of the reply, what is no part of the answer is shown on the page of the run.
_DETAILS = ("usage", "price", "currency", "seconds", "message_id", "trace_id")


def answered(context: StepContext, *, assistant: UUID | None = None, teammate: UUID | None = None) -> Output:
    """Raises StepError, and what `ask` raises."""
    filters = filters_of(context)
    events = ask(
        actor=bound_actor(context),
        assistant=assistant,
        teammate=teammate,
        question=str(context.config["question"]),
        filters=SearchFilters(documents=filters.documents, where=filters.where),
        instructions=context.instruction,
    )
    reply = as_json(shown_reply(_last(context, events)))
    value = {name: reply[name] for name in ANSWER_SCHEMA["properties"]}
    return Output(value, details={name: reply[name] for name in _DETAILS})


def _last(context: StepContext, events: Any) -> FinishedReply:
    with closing(events):
        for event in events:
            if isinstance(event, Failed):
                known = ERROR_CODES.get(event.code)
                raise StepError(event.code, event.detail, retry=bool(known and known.retry))
            if isinstance(event, Finished):
                return event.reply
            if timezone.now() > context.deadline:
                raise StepError(
                    "step_timeout", seconds=context.step.timeout_seconds or settings.WORKFLOW_STEP_SECONDS
                )
    raise StepError("internal_error")
