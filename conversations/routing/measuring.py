"""Measuring what a choice depends on: rows in short scopes, and the search, the embedder and the model outside of any."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from assistants.findings import assistants_of, members_of
from assistants.models import Assistant, AssistantFailures, Teammate
from assistants.orchestration import Orchestration
from conversations.access import partner
from conversations.answering.values import Turn
from conversations.models import Message
from conversations.routing.deciding import able_candidates, sticky_candidate
from conversations.routing.profile_vectors import profile_texts, references_by_assistant, similarities
from conversations.routing.strategies import STRATEGIES
from conversations.routing.strategies.llm import request_of
from conversations.routing.turns import next_turn, take_turn
from conversations.routing.values import Candidate, Measured, Need
from core.actors import Actor
from core.errors import EngineError
from core.isolation.scope import tenant_scope
from engines.languages import language_of
from knowledge.engine_config import default_embedder
from knowledge.search.filters import SearchFilters
from knowledge.search.service import search
from workspaces.chat_models import chat_model_named
from workspaces.metering import MeteredModel

logger = logging.getLogger(__name__)
# The tags that count are those of so many of the best passages.
BEST_PASSAGES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks which teammate what. The dry run `takes_turn`s not."""

    actor: Actor
    teammate: UUID
    question: str
    history: Sequence[Turn]
    conversation: UUID | None
    takes_turn: bool


def measure(asked: Asked) -> tuple[Orchestration, Measured]:
    """Only what the strategy needs, and nothing for a conversation in which somebody goes on. Raises NotFoundError,
    QuotaExceededError; that an engine fails is a problem in what is measured."""
    with tenant_scope(asked.actor.tenant_id):
        teammate = partner(asked.actor, Teammate, asked.teammate)
        config, measured = Orchestration.of(teammate), _people(teammate, asked)
    able = able_candidates(config, measured)
    if not able or sticky_candidate(config, replace(measured, candidates=able)):
        return config, measured
    facts: dict[str, Any] = {}
    problems: dict[Need, str] = {}
    for need in STRATEGIES[config.strategy].needs:
        try:
            facts |= dict(_MEASURES[need](asked, config, able, teammate.workspace_id))
        except EngineError as error:
            logger.warning("a strategy could not be followed: %s", error)
            problems[need] = error.for_askers
    return config, replace(measured, **facts, problems=problems)


def _people(teammate: Teammate, asked: Asked) -> Measured:
    known = {one.pk: one for one in assistants_of([teammate]) if one.workspace_id == teammate.workspace_id}
    ids = [pk for pk in members_of(teammate, known.values()) if _may_answer(known[pk])]
    fallback = known.get(Orchestration.of(teammate).fallback or UUID(int=0))
    rows = [*(known[pk] for pk in ids), *([fallback] if fallback and _may_answer(fallback) else [])]
    people = {one.id: one for one in _candidates(rows)}
    return Measured(
        now=timezone.now(),
        candidates=tuple(people[pk] for pk in ids),
        fallback=people.get(fallback.pk) if fallback else None,
        last_assistant=_last_assistant(asked.conversation),
    )


def _may_answer(assistant: Assistant) -> bool:
    return assistant.deleted_at is None and not assistant.is_suspended


def _candidates(rows: Sequence[Assistant]) -> Iterator[Candidate]:
    failed = AssistantFailures.objects.filter(assistant__in=[row.pk for row in rows], failures__gt=0)
    failures = {pk: (count, at) for pk, count, at in failed.values_list("assistant", "failures", "failed_at")}
    for row in rows:
        count, at = failures.get(row.pk, (0, None))
        yield Candidate(id=row.pk, name=row.name, description=row.description, failures=count, failed_at=at)


def _last_assistant(conversation: UUID | None) -> UUID | None:
    if conversation is None:
        return None
    rows = Message.objects.filter(conversation=conversation).exclude(assistant=None)
    last: UUID | None = rows.order_by("-created_at", "-pk").values_list("assistant", flat=True).first()
    return last


Facts = Iterable[tuple[str, Any]]


def _turn(asked: Asked, config: Orchestration, able: Sequence[Candidate], workspace_id: UUID) -> Facts:
    with tenant_scope(asked.actor.tenant_id):
        yield "turn", (take_turn if asked.takes_turn else next_turn)(asked.teammate)


def _language(asked: Asked, config: Orchestration, able: Sequence[Candidate], workspace_id: UUID) -> Facts:
    yield "language", language_of(asked.question)


def _tags(asked: Asked, config: Orchestration, able: Sequence[Candidate], workspace_id: UUID) -> Facts:
    """Of what all the assistants know; nothing is searched for without a rule that has tags."""
    if not any(rule.tags for rule in config.rules):
        return
    with tenant_scope(asked.actor.tenant_id):
        readers = references_by_assistant([one.id for one in able])
    references = tuple({pk for found in readers.values() for pk in found})
    found = search(
        actor=asked.actor,
        query=asked.question,
        limit=BEST_PASSAGES,
        filters=SearchFilters(references=references),
        operators=False,
        audited=False,
    )
    yield "tags", frozenset(tag.tag for chunk in found for tag in chunk.tags)


def _similarity(asked: Asked, config: Orchestration, able: Sequence[Candidate], workspace_id: UUID) -> Facts:
    with tenant_scope(asked.actor.tenant_id):
        texts = profile_texts(able)
    yield "similarities", similarities(default_embedder(), asked.actor.tenant_id, asked.question, texts)


def _model(asked: Asked, config: Orchestration, able: Sequence[Candidate], workspace_id: UUID) -> Facts:
    with tenant_scope(asked.actor.tenant_id):
        model = chat_model_named(config.chat_integration, config.chat_model)
    if model is None:
        yield "reply", ""
        return
    request = request_of(config, asked.question, asked.history, able)
    metered = MeteredModel(model, asked.actor, workspace_id)
    yield "reply", metered.complete(asked.actor.tenant_id, request).text


_MEASURES = {
    Need.TURN: _turn,
    Need.LANGUAGE: _language,
    Need.TAGS: _tags,
    Need.SIMILARITY: _similarity,
    Need.MODEL: _model,
}
