"""Asking an assistant or a teammate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from assistants.models import Assistant, Teammate
from audit.services import record
from conversations.access import own_message, partner
from conversations.answering.values import Turn
from conversations.asked import Asked
from conversations.errors import AnswerUnderWayError, AssistantSuspendedError, QuestionInvalidError
from conversations.model_choice import ModelChoice
from conversations.models import Conversation, Message, MessageRole, MessageState
from conversations.questions import (
    add_answer,
    add_question,
    history_up_to,
    new_conversation,
    parent_in,
)
from conversations.running import AnswerRun
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import charge, nearly_reached
from engines.chat import Sampling
from knowledge.search.filters import SearchFilters
from knowledge.search.service import MAX_QUERY_LENGTH

# A quota of which so much is used is warned of.
NEARLY = 0.8


def ask(
    *,
    actor: Actor,
    assistant: UUID | None = None,
    teammate: UUID | None = None,
    question: str,
    conversation: UUID | None = None,
    parent: UUID | None = None,
    filters: SearchFilters | None = None,
    keep: bool = True,
    history: Sequence[Turn] = (),
    overrides: Sampling | None = None,
    instructions: str = "",
    model: ModelChoice | None = None,
    draft: str | None = None,
) -> AnswerRun:
    """Accept the question, and return what happens until its answer ends: `conversations.answering.events`.

    One of `assistant`, `teammate` and `conversation` is needed; there, the question follows the answer `parent`, or else the
    last one. Of what is not kept (`keep`), only the event and the counts remain, and `history` has the turns before. Editors
    may choose another `model`, or try a `draft` of the instruction. Closing the iterator stops the answer. Raises
    NotFoundError, ForbiddenError, QuestionInvalidError, AnswerUnderWayError, QuotaExceededError, AssistantSuspendedError."""
    _check(actor, question)
    with tenant_scope(actor.tenant_id):
        found, last = parent_in(actor, conversation, parent) if conversation else (None, None)
        whom = _partner(actor, assistant, teammate, found)
        found = found or (new_conversation(actor, whom, question) if keep else None)
        asked = _accepted(
            actor=actor,
            whom=whom,
            question=question,
            history=(*history_up_to(last), *history),
            answer=add_answer(add_question(found, last, question)) if keep and found else None,
            filters=filters,
            overrides=overrides,
            instructions=instructions,
            model=model,
            draft=draft,
        )
    return AnswerRun(asked)


def edit(
    *,
    actor: Actor,
    message: UUID,
    question: str,
    filters: SearchFilters | None = None,
    overrides: Sampling | None = None,
    model: ModelChoice | None = None,
) -> AnswerRun:
    """Ask another question in place of the one that `message` is, or answers, as a branch beside it. Returns and raises as
    `ask`."""
    _check(actor, question)
    with tenant_scope(actor.tenant_id):
        old = _question_of(own_message(actor, message))
        whom = _partner(actor, None, None, old.conversation)
        row = add_answer(add_question(old.conversation, old.parent, question))
        turns = history_up_to(old.parent)
        asked = _accepted(
            actor=actor,
            whom=whom,
            question=question,
            history=turns,
            answer=row,
            filters=filters,
            overrides=overrides,
            model=model,
        )
    return AnswerRun(asked)


def regenerate(
    *,
    actor: Actor,
    message: UUID,
    filters: SearchFilters | None = None,
    overrides: Sampling | None = None,
    model: ModelChoice | None = None,
) -> AnswerRun:
    """Let the question that `message` is, or answers, be answered again, as a branch beside it. Returns and raises as
    `ask`."""
    with tenant_scope(actor.tenant_id):
        old = own_message(actor, message)
        if old.state == MessageState.GENERATING:
            raise AnswerUnderWayError
        question, whom = _question_of(old), _partner(actor, None, None, old.conversation)
        turns = history_up_to(question.parent)
        row = add_answer(question)
        asked = _accepted(
            actor=actor,
            whom=whom,
            question=question.text,
            history=turns,
            answer=row,
            filters=filters,
            overrides=overrides,
            model=model,
        )
    return AnswerRun(asked)


def stop(*, actor: Actor, message: UUID) -> Message:
    """End an answer that is being written; its text so far is kept. One that has ended stays as it is. Raises
    NotFoundError."""
    actor.require(Role.VIEWER)
    with tenant_scope(actor.tenant_id):
        row = own_message(actor, message)
        under_way = Message.objects.filter(pk=row.pk, state=MessageState.GENERATING)
        if under_way.update(state=MessageState.STOPPED):
            workspace_id = row.conversation.workspace_id
            record(actor=actor, action="answer.stopped", target=row, workspace_id=workspace_id)
        row.refresh_from_db()
    return row


def _question_of(message: Message) -> Message:
    question: Message = message.parent if message.role == MessageRole.ASSISTANT else message
    return question


def _check(actor: Actor, question: str) -> None:
    actor.require(Role.VIEWER)
    if not question.strip():
        raise QuestionInvalidError("Ask a question.")
    if len(question) > MAX_QUERY_LENGTH:
        raise QuestionInvalidError(f"A question has at most {MAX_QUERY_LENGTH:,} characters.")


def _check_draft(actor: Actor, whom: Assistant | Teammate, draft: str | None, *, keep: bool) -> None:
    """An answer by a draft is not kept, because it would look like one that the assistant gives."""
    if draft is None:
        return
    actor.require(Role.EDITOR)
    if keep or isinstance(whom, Teammate):
        raise QuestionInvalidError("A draft is tried with an assistant, and its answer is not kept.")


def _partner(
    actor: Actor, assistant: UUID | None, teammate: UUID | None, conversation: Conversation | None
) -> Assistant | Teammate:
    """Who is asked. Raises NotFoundError, AssistantSuspendedError, and QuestionInvalidError for a conversation with somebody
    else."""
    if conversation:
        own = (conversation.assistant_id, conversation.teammate_id)
        if (assistant or teammate) and (assistant, teammate) != own:
            raise QuestionInvalidError("The conversation is with somebody else. Begin a new one.")
        assistant, teammate = own
    if bool(assistant) == bool(teammate):
        raise QuestionInvalidError("Say which assistant or which teammate is asked.")
    if teammate:
        return partner(actor, Teammate, teammate)
    found = partner(actor, Assistant, assistant)
    if found.is_suspended:
        raise AssistantSuspendedError
    return found


def _accepted(
    *,
    actor: Actor,
    whom: Assistant | Teammate,
    question: str,
    history: tuple[Turn, ...],
    answer: Message | None,
    filters: SearchFilters | None,
    overrides: Sampling | None,
    model: ModelChoice | None,
    instructions: str = "",
    draft: str | None = None,
) -> Asked:
    """Count the answer, and record the question. Raises QuotaExceededError, and as `ModelChoice.check`."""
    if model:
        model.check(actor, whom)
    _check_draft(actor, whom, draft, keep=answer is not None)
    charge(actor=actor, amounts={QuotaKind.ANSWERS: 1}, workspace_id=whom.workspace_id)
    record(
        actor=actor,
        action="question.asked",
        target=whom,
        workspace_id=whom.workspace_id,
        question=question,
        message=str(answer.pk) if answer else None,
        conversation=str(answer.conversation_id) if answer else None,
    )
    return Asked(
        actor=actor,
        partner=whom,
        question=question,
        history=history,
        filters=filters or SearchFilters(),
        overrides=overrides or Sampling(),
        answer=answer,
        instructions=instructions,
        model=model,
        draft=draft,
        warnings=tuple(_quota_warnings(actor, whom.workspace_id)),
    )


def _quota_warnings(actor: Actor, workspace_id: UUID) -> Iterator[str]:
    """A sentence for each quota that concerns the actor and is nearly used up."""
    kinds = (QuotaKind.ANSWERS, QuotaKind.ANSWER_TOKENS)
    for one in nearly_reached(actor=actor, kinds=kinds, workspace_id=workspace_id, share=NEARLY):
        yield (
            f"{one.used:,} of {one.limit:,} are used of the quota '{one.kind.label}' of the {one.subject}. It is reset at"
            f" {one.resets_at:%Y-%m-%d %H:%M} UTC."
        )
