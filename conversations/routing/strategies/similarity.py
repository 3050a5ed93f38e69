"""The assistant whose description and knowledge are nearest to the question."""

from __future__ import annotations

from collections.abc import Sequence

from assistants.orchestration import Orchestration
from conversations.answering.values import Turn
from conversations.routing.values import Choice, Measured, Need, nobody


def choose(config: Orchestration, question: str, history: Sequence[Turn], measured: Measured) -> Choice:
    scores = {one.id: measured.similarities.get(one.id, 0.0) for one in measured.candidates}
    if not measured.similarities:
        return nobody(measured.problems.get(Need.SIMILARITY, "No similarity could be measured."))
    best = max(measured.candidates, key=lambda one: scores[one.id])
    if scores[best.id] < config.min_similarity:
        reason = f"Nobody reaches the similarity {config.min_similarity:.2f}; '{best.name}' has {scores[best.id]:.2f}."
        return Choice(assistants=(), reason=reason, scores=scores)
    reason = f"'{best.name}' is nearest to the question, with a similarity of {scores[best.id]:.2f}."
    return Choice(assistants=(best.id,), reason=reason, scores=scores)
