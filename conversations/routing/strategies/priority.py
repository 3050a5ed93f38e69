"""The first of the assistants that can answer."""

from __future__ import annotations

from collections.abc import Sequence

from assistants.orchestration import Orchestration
from conversations.answering.values import Turn
from conversations.routing.values import Choice, Measured


def choose(config: Orchestration, question: str, history: Sequence[Turn], measured: Measured) -> Choice:
    first = measured.candidates[0]
    return Choice(assistants=(first.id,), reason=f"'{first.name}' is the first that can answer.")
