"""Asking an assistant the same questions with its published instruction and with one that is not published yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from assistants.instructions import Source
from assistants.models import Assistant
from conversations.answering import answer
from conversations.answering.request import AnswerRequest, Profile
from conversations.answering.tracing import TraceRecorder
from conversations.answering.values import Answer
from conversations.errors import QuestionInvalidError
from conversations.profiles import chat_model_of, embedder_of, profile_of
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import charge
from knowledge.search.filters import SearchFilters
from knowledge.search.service import MAX_QUERY_LENGTH
from workspaces.metering import MeteredModel

MAX_QUESTIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    question: str
    published: str
    draft: str


def compare_instructions(
    *, actor: Actor, assistant: UUID, source: Source, questions: Sequence[str]
) -> list[Comparison]:
    """Nothing of it is kept. To be called outside of any scope. Raises NotFoundError, QuestionInvalidError,
    QuotaExceededError, ChatError."""
    actor.require(Role.EDITOR)
    if not 1 <= len(questions) <= MAX_QUESTIONS or any(len(one) > MAX_QUERY_LENGTH for one in questions):
        raise QuestionInvalidError(
            f"Give 1 to {MAX_QUESTIONS} questions of at most {MAX_QUERY_LENGTH:,} characters."
        )
    return [
        Comparison(
            question=question,
            published=_answered(actor, assistant, question, None),
            draft=_answered(actor, assistant, question, source),
        )
        for question in questions
    ]


def _answered(actor: Actor, assistant: UUID, question: str, draft: Source | None) -> str:
    with tenant_scope(actor.tenant_id):
        text = Assistant.objects.filter(pk=assistant).values_list(draft, flat=True).first() if draft else None
        profile = profile_of(assistant, question, draft=text)
        charge(actor=actor, amounts={QuotaKind.ANSWERS: 1}, workspace_id=profile.workspace_id)
        request = _request(actor, profile, question)
    parts = [*answer(request, TraceRecorder())]
    return next(part.text for part in parts if isinstance(part, Answer))


def _request(actor: Actor, profile: Profile, question: str) -> AnswerRequest:
    model = chat_model_of(profile.settings)
    return AnswerRequest(
        actor=actor,
        profile=profile,
        question=question,
        history=(),
        filters=SearchFilters(),
        model=MeteredModel(model, actor, profile.workspace_id) if model else None,
        sampling=profile.settings.sampling,
        embedder=embedder_of(profile),
    )
