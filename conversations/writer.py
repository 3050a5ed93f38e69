"""Who writes an answer's row: it saves the text so far, and learns that somebody else has ended the answer."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from audit.services import record
from conversations.answering.events import Summarised
from conversations.heartbeats import heartbeats
from conversations.models import Conversation, Message, MessageState, Trace
from core.actors import system_actor
from core.connections import give_back_connections
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.tenant_slots import TooBusyError

MAX_DETAIL_LENGTH = 2000
COSTS = ("assistant_id", "why", "model", "prompt_tokens", "completion_tokens", "price", "currency", "seconds")


# The events of answers that have ended by themselves; to stop one is an event of who did.
ENDED: dict[Any, str] = {MessageState.DONE: "answer.finished", MessageState.ERROR: "answer.failed"}


class AnswerEndedError(Exception):
    """Somebody else has ended the answer: a person stopped it, it was swept, or its conversation was deleted."""


class Writer:
    """Of an answer that is not kept. `text` is that of all pieces so far."""

    def __init__(self) -> None:
        self.text = ""
        self.ids: dict[str, UUID | None] = dict.fromkeys(("message_id", "conversation_id", "trace_id"))

    def add(self, text: str) -> None:
        """Raises AnswerEndedError."""
        self.text += text

    def keep_summary(self, summary: Summarised) -> None:
        """For the next questions of the conversation."""

    def end(self, state: MessageState, stages: list[dict[str, Any]], **columns: Any) -> None:
        """Raises AnswerEndedError."""


class RowWriter(Writer):
    """Of a message in the state `generating`, with a token of its own."""

    def __init__(self, tenant_id: UUID, message: Message) -> None:
        super().__init__()
        self._tenant_id, self._message = tenant_id, message
        self._trace_id, self._saved = new_id(), time.monotonic()
        self.ids = {
            "message_id": message.pk,
            "conversation_id": message.conversation_id,
            "trace_id": self._trace_id,
        }

    def add(self, text: str) -> None:
        super().add(text)
        if time.monotonic() - self._saved >= heartbeats.save_seconds:
            with suppress(TooBusyError):
                self._update(text=self.text)
            self._saved = time.monotonic()

    def keep_summary(self, summary: Summarised) -> None:
        try:
            with tenant_scope(self._tenant_id):
                Message.objects.filter(pk=summary.message).update(summary=summary.text)
        finally:
            give_back_connections()

    def end(self, state: MessageState, stages: list[dict[str, Any]], **columns: Any) -> None:
        """The trace and what the answer has cost are stored, too, when somebody else has ended it before."""
        trace = Trace(
            pk=self._trace_id, tenant_id=self._tenant_id, message_id=self._message.pk, stages_json=stages
        )
        try:
            self._update(trace, state=state, **{"text": self.text, **columns})
        except AnswerEndedError:
            costs = {name: value for name, value in columns.items() if name in COSTS}
            self._update(trace, was=MessageState.STOPPED, **costs)
            raise

    def _update(
        self, trace: Trace | None = None, was: MessageState = MessageState.GENERATING, **columns: Any
    ) -> None:
        try:
            with tenant_scope(self._tenant_id):
                own = Message.objects.filter(pk=self._message.pk, state=was, writer=self._message.writer)
                if not own.update(heartbeat_at=Now(), **columns):
                    raise AnswerEndedError
                if trace:
                    trace.save(force_insert=True)
                    Conversation.objects.filter(pk=self._message.conversation_id).update()
                if action := ENDED.get(columns.get("state")):
                    record_end(action, self._tenant_id, self._message)
        finally:
            give_back_connections()


def record_end(action: str, tenant_id: UUID, message: Message) -> None:
    """Inside a scope: so that programs that follow the organisation's events need not ask for each answer."""
    record(
        actor=system_actor(tenant_id, "answers"),
        action=action,
        target=message,
        workspace_id=message.conversation.workspace_id,
        conversation=str(message.conversation_id),
    )
