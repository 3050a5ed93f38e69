"""Who writes an answer's row, until the answer ends."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from audit.services import record
from conversations.answering.events import Summarised
from conversations.errors import AnswerEndedError
from conversations.limits import ANSWER_LENGTH
from conversations.models import Conversation, Message, MessageState, Trace
from core.actors import system_actor
from core.connections import UNAVAILABLE, give_back_connections, insist
from core.isolation.scope import tenant_scope
from core.models import new_id

MAX_DETAIL_LENGTH = 2000
COSTS = ("assistant_id", "why", "model", "prompt_tokens", "completion_tokens", "price", "currency", "seconds")


# The events of answers that have ended by themselves; to stop one is an event of who did.
ENDED: dict[Any, str] = {MessageState.DONE: "answer.finished", MessageState.ERROR: "answer.failed"}


class Writer:
    """Of an answer that is not kept. `text` is that of all pieces so far."""

    def __init__(self) -> None:
        self.text = ""
        self.ids: dict[str, UUID | None] = dict.fromkeys(("message_id", "conversation_id", "trace_id"))

    def add(self, text: str) -> None:
        self.text = (self.text + text)[:ANSWER_LENGTH]

    def keep_summary(self, summary: Summarised) -> None:
        """For the next questions of the conversation."""

    def end(self, state: MessageState, stages: list[dict[str, Any]], **columns: Any) -> None:
        """Raises AnswerEndedError."""


class RowWriter(Writer):
    """Of a message in the state `generating`, with a token of its own. `conversations.saving` saves the text meanwhile."""

    def __init__(self, tenant_id: UUID, message: Message) -> None:
        super().__init__()
        self.tenant_id, self.pk = tenant_id, message.pk
        assert message.writer, "an answer that is being made has a writer"
        self.token = message.writer
        self._message, self._trace_id = message, new_id()
        self.ids = {
            "message_id": message.pk,
            "conversation_id": message.conversation_id,
            "trace_id": self._trace_id,
        }

    def keep_summary(self, summary: Summarised) -> None:
        """Another answer makes it again, if the database is busy or away."""
        with suppress(*UNAVAILABLE), tenant_scope(self.tenant_id):
            Message.objects.filter(pk=summary.message).update(summary=summary.text)
        give_back_connections()

    def end(self, state: MessageState, stages: list[dict[str, Any]], **columns: Any) -> None:
        """The trace, the text so far and what the answer has cost are stored, too, when a person has stopped it before."""
        trace = Trace(pk=self._trace_id, tenant_id=self.tenant_id, message_id=self.pk, stages_json=stages)
        try:
            insist(
                lambda: self._end(
                    trace, MessageState.GENERATING, state=state, **{"text": self.text, **columns}
                )
            )
        except AnswerEndedError:
            costs = {name: value for name, value in columns.items() if name in COSTS}
            insist(lambda: self._end(trace, MessageState.STOPPED, text=self.text, **costs))
            raise

    def _end(self, trace: Trace, was: MessageState, **columns: Any) -> None:
        with tenant_scope(self.tenant_id):
            own = Message.objects.filter(pk=self.pk, state=was, writer=self.token)
            if not own.update(heartbeat_at=Now(), **columns):
                raise AnswerEndedError
            trace.save(force_insert=True)
            Conversation.objects.filter(pk=self._message.conversation_id).update()
            if action := ENDED.get(columns.get("state")):
                record_end(action, self.tenant_id, self._message)


def record_end(action: str, tenant_id: UUID, message: Message) -> None:
    """Inside a scope: so that programs that follow the organisation's events need not ask for each answer."""
    record(
        actor=system_actor(tenant_id, "answers"),
        action=action,
        target=message,
        workspace_id=message.conversation.workspace_id,
        conversation=str(message.conversation_id),
    )
