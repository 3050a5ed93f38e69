"""Who answers a question to a teammate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from conversations.answering.values import Turn
from conversations.errors import NobodyAnswersError, QuestionInvalidError
from conversations.routing.deciding import decide
from conversations.routing.measuring import Asked, measure
from conversations.routing.turns import count_failure, forget_failures
from conversations.routing.values import Choice, Measured
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import charge
from knowledge.search.service import MAX_QUERY_LENGTH


def route(
    *,
    actor: Actor,
    teammate: UUID,
    question: str,
    history: Sequence[Turn] = (),
    conversation: UUID | None = None,
) -> Choice:
    """Choose who answers, outside of any scope; in a round robin, the turn is taken. Raises NotFoundError,
    NobodyAnswersError, QuotaExceededError."""
    asked = Asked(
        actor=actor,
        teammate=teammate,
        question=question,
        history=history,
        conversation=conversation,
        takes_turn=True,
    )
    return _chosen(asked)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """`names` are those of the assistants that could have been chosen."""

    choice: Choice
    names: Mapping[UUID, str]


def dry_run(*, actor: Actor, teammate: UUID, question: str) -> DryRun:
    """Who would answer, and why. It counts as a search, besides the models and searches that it uses. Raises as `route`, and
    QuestionInvalidError."""
    actor.require(Role.VIEWER)
    if not question.strip() or len(question) > MAX_QUERY_LENGTH:
        raise QuestionInvalidError(f"Ask a question of at most {MAX_QUERY_LENGTH:,} characters.")
    with tenant_scope(actor.tenant_id):
        charge(actor=actor, amounts={QuotaKind.SEARCH: 1})
    asked = Asked(
        actor=actor, teammate=teammate, question=question, history=(), conversation=None, takes_turn=False
    )
    choice, measured = _chosen(asked)
    people = [*measured.candidates, *([measured.fallback] if measured.fallback else [])]
    return DryRun(choice=choice, names={one.id: one.name for one in people})


def note_outcome(*, tenant_id: UUID, assistant: UUID, failed: bool) -> None:
    """Count a failed answer of an assistant that a teammate has chosen, or forget the failures before a good one."""
    with tenant_scope(tenant_id):
        (count_failure if failed else forget_failures)(assistant)


def _chosen(asked: Asked) -> tuple[Choice, Measured]:
    config, measured = measure(asked)
    choice = decide(config, asked.question, asked.history, measured)
    if not choice.assistants:
        raise NobodyAnswersError(" ".join([choice.reason, *choice.passed_over]))
    return choice, measured
