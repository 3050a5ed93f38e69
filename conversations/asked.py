"""A question that was accepted, and what an answer of one assistant is made from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from assistants.models import Assistant, Teammate
from conversations.answering.request import AnswerRequest, Profile
from conversations.answering.values import Turn
from conversations.model_choice import ModelChoice
from conversations.models import Message
from conversations.profiles import chat_model_of, embedder_of
from core.actors import Actor
from core.connections import give_back_connections
from core.isolation.scope import tenant_scope
from engines.chat import Sampling
from knowledge.search.filters import SearchFilters
from workspaces.metering import MeteredModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`partner` is who is asked, and `history` has the turns before. `answer` is the row to write; None if nothing is kept.
    `instructions` are the asker's own, and `model` is used instead of the assistant's;
    so is `draft` instead of its published instruction."""

    actor: Actor
    partner: Assistant | Teammate
    question: str
    history: tuple[Turn, ...]
    filters: SearchFilters
    overrides: Sampling
    answer: Message | None
    instructions: str = ""
    warnings: tuple[str, ...] = ()
    model: ModelChoice | None = None
    draft: str | None = None


def request_of(asked: Asked, profile: Profile) -> AnswerRequest:
    """Opens a scope. Raises ChatError, EmbeddingError."""
    if asked.model:
        profile = replace(profile, settings=asked.model.instead_of(profile.settings))
    with tenant_scope(asked.actor.tenant_id):
        model, embedder = chat_model_of(profile.settings), embedder_of(profile)
    give_back_connections()
    return AnswerRequest(
        actor=asked.actor,
        profile=profile,
        question=asked.question,
        history=asked.history,
        filters=asked.filters,
        model=MeteredModel(model, asked.actor, profile.workspace_id) if model else None,
        instructions=asked.instructions,
        sampling=_overridden(profile.settings.sampling, asked.overrides),
        embedder=embedder,
    )


def _overridden(own: Sampling, overrides: Sampling) -> Sampling:
    """The assistant's sampling, with what the asker has set."""
    given = {field.name: getattr(overrides, field.name) for field in fields(Sampling)}
    return replace(own, **{name: value for name, value in given.items() if value not in (None, ())})
