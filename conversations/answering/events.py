"""What happens while an answer is made, in this order: Started, Routed, Retrieved, then pieces and uses of tools, and at
last Finished or Failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from conversations.answering.values import CheckedSentence, Citation, Passage, TableCitation
from engines.chat import TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The ids of what is kept; None of an answer that is not."""

    message_id: UUID | None
    conversation_id: UUID | None
    trace_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Who answers, and why."""

    assistant_id: UUID
    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The passages that the answer may stand on. A search by the model adds further ones. `warnings` are sentences for
    people about what was not done."""

    passages: tuple[Passage, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The next part of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUsed:
    """`result_summary` is a sentence for people."""

    name: str
    arguments: Mapping[str, Any]
    result_summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarised:
    """The conversation up to the message has a new summary. It is stored, and no client sees it."""

    message: UUID
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedReply:
    """The whole answer. `answer` may lack marks that its pieces had, because they named no passage. `is_stopped` if it was
    ended before its end, `is_cut_off` if the model's tokens were used up. `warnings` are sentences for people: of quotas
    that are nearly used up, or of what was not done."""

    message_id: UUID | None
    conversation_id: UUID | None
    trace_id: UUID | None
    answer: str
    citations: tuple[Citation, ...]
    tables: tuple[TableCitation, ...]
    sentences: tuple[CheckedSentence, ...]
    is_refusal: bool
    is_stopped: bool
    is_cut_off: bool
    model: str
    assistant_id: UUID | None
    assistant: str
    why: str
    usage: TokenUsage
    price: Decimal | None
    currency: str
    seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    reply: FinishedReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """`code` is stable, `detail` is a sentence for people. The text so far is kept."""

    code: str
    detail: str


Event = Started | Routed | Retrieved | Piece | ToolUsed | Finished | Failed
