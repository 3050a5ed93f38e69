"""The rows of a question and its answer. To be called inside a scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from assistants.models import Assistant, Teammate
from conversations.access import own_conversation, owner_of
from conversations.answering.values import Turn
from conversations.errors import AnswerUnderWayError, QuestionInvalidError
from conversations.models import Conversation, Message, MessageRole, MessageState
from core.actors import Actor
from core.isolation.scope import current_tenant_id
from core.names import without_forbidden
from engines.chat import Role

TITLE_LENGTH = 80
# So many of the last turns, and those before them back to the last summary, but no more than twice as many.
HISTORY_MESSAGES = 40
PATH_SQL = """
WITH RECURSIVE path AS (
    SELECT id, parent_id, role, text, summary, 1 AS depth, summary <> '' AS is_covered
    FROM messages WHERE tenant_id = %(tenant)s AND id = %(leaf)s
    UNION ALL
    SELECT m.id, m.parent_id, m.role, m.text, m.summary, depth + 1, is_covered OR m.summary <> ''
    FROM messages m JOIN path p ON m.id = p.parent_id
    WHERE m.tenant_id = %(tenant)s AND (depth < %(most)s OR NOT is_covered AND depth < 2 * %(most)s)
)
SELECT role, text, id, summary FROM path ORDER BY depth DESC
"""


def new_conversation(actor: Actor, partner: Assistant | Teammate, question: str) -> Conversation:
    columns: Mapping[str, Any] = {partner._meta.model_name or "": partner}
    conversation: Conversation = Conversation.objects.create(
        workspace_id=partner.workspace_id, owner=owner_of(actor), title=title_of(question), **columns
    )
    return conversation


def title_of(question: str) -> str:
    """The question's beginning, up to a word."""
    title = without_forbidden(question) or "…"
    return title if len(title) <= TITLE_LENGTH else f"{title[:TITLE_LENGTH].rsplit(' ', 1)[0]} …"


def parent_in(
    actor: Actor, conversation_id: UUID, parent: UUID | None
) -> tuple[Conversation, Message | None]:
    """The conversation, locked, and the answer that a new question follows: `parent`, or else the last one. Raises
    NotFoundError, AnswerUnderWayError, QuestionInvalidError."""
    conversation = own_conversation(actor, conversation_id)
    Conversation.objects.select_for_update().get(pk=conversation.pk)
    rows = Message.objects.filter(conversation=conversation)
    last = rows.filter(pk=parent).first() if parent else rows.order_by("-created_at", "-pk").first()
    if (parent and last is None) or (last and last.role != MessageRole.ASSISTANT):
        raise QuestionInvalidError("`parent` is the id of an answer in the conversation.")
    if last and last.state == MessageState.GENERATING:
        raise AnswerUnderWayError
    return conversation, last


def history_up_to(leaf: Message | None) -> tuple[Turn, ...]:
    """The turns up to a message, itself included, the oldest first; without answers that are empty."""
    if leaf is None:
        return ()
    with connection.cursor() as cursor:
        values: Mapping[str, Any] = {"tenant": current_tenant_id(), "leaf": leaf.pk, "most": HISTORY_MESSAGES}
        cursor.execute(PATH_SQL, values)
        return tuple(
            Turn(role=Role(role), text=text, message=pk, summary=summary)
            for role, text, pk, summary in cursor
            if text
        )


def add_question(conversation: Conversation, parent: Message | None, text: str) -> Message:
    question: Message = Message.objects.create(
        conversation=conversation, parent=parent, role=MessageRole.USER, text=text
    )
    return question


def add_answer(question: Message) -> Message:
    """A row for the answer, with the token of its writer."""
    answer: Message = Message.objects.create(
        conversation_id=question.conversation_id,
        parent=question,
        role=MessageRole.ASSISTANT,
        state=MessageState.GENERATING,
        writer=uuid4(),
        heartbeat_at=timezone.now(),
    )
    return answer
