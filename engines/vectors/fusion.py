"""One list of hits from the rankings of a search, the most relevant first.

The scores are fused, not the ranks: of hundreds of near-identical passages, only the scores say that one of them has the
order number that was asked for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from engines.vectors import Hit
from engines.vectors.relevance import WORDS_ONLY, ModelWeights, Signals, Weights, words_signal

Ranking = list[tuple[str, float]]
DENSE, SPARSE = "dense", "sparse"
# So many hits of each ranking are fused at once: measured, see docs/decisions.
CANDIDATES = 100
# Equal texts have equal scores, but for the order in which floating-point numbers were added.
DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What the scores are measured by: the model's weights, the number of the question's terms, and that of the passages
    among which these are rare or frequent."""

    weights: ModelWeights
    terms: int = 0
    passages: int = 0

    def weights_for(self, rankings: dict[str, Ranking]) -> Weights:
        if DENSE not in rankings:
            return WORDS_ONLY
        return self.weights.hybrid if SPARSE in rankings else self.weights.dense

    def signals(self, scores: dict[str, float]) -> Signals:
        words = words_signal(scores.get(SPARSE, 0.0), self.terms, self.passages)
        return Signals(scores.get(DENSE, 0.0), words)


def fuse(rankings: dict[str, Ranking], measure: Measure, limit: int) -> list[Hit]:
    scores: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for component, ranking in rankings.items():
        for id, score in ranking:
            scores[id][component] = score
    weights = measure.weights_for(rankings)
    strengths = {
        id: round(weights.strength(measure.signals(floored)), DIGITS)
        for id, floored in _floored(rankings, scores).items()
    }
    ordered = sorted(strengths.items(), key=lambda item: (-item[1], item[0]))
    hits = list[Hit]()
    for place, (id, strength) in enumerate(ordered[:limit]):
        _, best_other = ordered[min(1, len(ordered) - 1) if place == 0 else 0]
        relevance = round(weights.relevance(strength, best_other), DIGITS)
        hits.append(Hit(point_id=UUID(id), score=relevance, scores=scores[id]))
    return hits


def _floored(
    rankings: dict[str, Ranking], scores: dict[str, dict[str, float]]
) -> dict[str, dict[str, float]]:
    """The scores of each hit in each ranking: one that is not among the best has the score of the last of these.

    The rankings are taken in blocks, and a hit belongs to the first block that has it. So a search for 300 passages begins
    with the 10 of a search for 10."""
    floored: dict[str, dict[str, float]] = {}
    for start in range(0, max(map(len, rankings.values()), default=0), CANDIDATES):
        end = start + CANDIDATES
        floors = {component: _floor(component, ranking, end) for component, ranking in rankings.items()}
        for ranking in rankings.values():
            for id, _ in ranking[start:end]:
                floored.setdefault(
                    id, {name: max(floor, scores[id].get(name, floor)) for name, floor in floors.items()}
                )
    return floored


def _floor(component: str, ranking: Ranking, end: int) -> float:
    """A passage that is not in a short list of words has none of them."""
    if component == SPARSE and len(ranking) < end:
        return 0.0
    return ranking[:end][-1][1] if ranking else 0.0
