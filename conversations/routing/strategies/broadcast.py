"""All assistants answer."""

from __future__ import annotations

from collections.abc import Sequence

from assistants.orchestration import BroadcastAnswer, Orchestration
from conversations.answering.values import Turn
from conversations.routing.values import Choice, Measured

SHOWN = {
    BroadcastAnswer.BEST: "the best answer is shown",
    BroadcastAnswer.MERGED: "their answers are merged",
}


def choose(config: Orchestration, question: str, history: Sequence[Turn], measured: Measured) -> Choice:
    ids = tuple(one.id for one in measured.candidates)
    return Choice(
        assistants=ids,
        reason=f"All {len(ids)} assistants answer, and {SHOWN[config.answer]}.",
        answer=config.answer,
    )
