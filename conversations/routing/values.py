"""What choosing an answerer takes and returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from assistants.orchestration import BroadcastAnswer, Orchestration
from conversations.answering.values import Turn


class Need(StrEnum):
    """What a strategy needs to have measured."""

    TURN = "turn"
    LANGUAGE = "language"
    TAGS = "tags"
    SIMILARITY = "similarity"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An assistant that may answer. `failures` of its answers in a row have failed, the last one at `failed_at`."""

    id: UUID
    name: str
    description: str = ""
    failures: int = 0
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the choice depends on besides the configuration and the conversation. `candidates` are in the teammate's order.
    `turn` counts the questions before this one. `last_assistant` answered last in the conversation. `tags` are those of the
    best passages, and `similarities` are from 0 to 1. `reply` is what the model answered that chooses. `problems` says, by
    need, why something could not be measured."""

    now: datetime
    candidates: tuple[Candidate, ...]
    fallback: Candidate | None = None
    turn: int = 0
    last_assistant: UUID | None = None
    language: str | None = None
    tags: frozenset[str] = frozenset()
    similarities: Mapping[UUID, float] = field(default_factory=dict)
    reply: str = ""
    problems: Mapping[Need, str] = field(default_factory=dict)

    def candidate(self, pk: UUID) -> Candidate | None:
        return next((one for one in self.candidates if one.id == pk), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who answers: one assistant, or all of a broadcast, of which `answer` says what is shown. It is empty if the strategy
    finds nobody. `scores` are by assistant, in the units of the strategy. `passed_over` has a sentence for each assistant
    that could not be chosen."""

    assistants: tuple[UUID, ...]
    reason: str
    scores: Mapping[UUID, float] = field(default_factory=dict)
    answer: BroadcastAnswer | None = None
    passed_over: tuple[str, ...] = ()


class Choose(Protocol):
    """Pure: the same arguments have the same choice."""

    def __call__(
        self, config: Orchestration, question: str, history: Sequence[Turn], measured: Measured
    ) -> Choice: ...


def nobody(reason: str) -> Choice:
    return Choice(assistants=(), reason=reason)
