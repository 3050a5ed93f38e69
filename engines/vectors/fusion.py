"""One list of hits from the rankings of a search, the most relevant first.

The scores are fused, not the ranks: of hundreds of near-identical passages, only the scores say that one of them has the
order number that was asked for.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from engines.embedding.cosines import Cosines
from engines.vectors import Hit
from engines.vectors.relevance import WORDS_ONLY, ModelWeights, Signals, Weights, words_signal

Ranking = list[tuple[str, float]]
DENSE, SPARSE = "dense", "sparse"
# So many hits of each ranking are fused at once: measured, see docs/decisions.
CANDIDATES = 100
# Equal texts have equal scores, but for the order in which floating-point numbers were added.
DIGITS = 6


class Measure(NamedTuple):
    """What scores are measured by: the model's cosines, the number of the question's words, and that of the passages among
    which they are rare or frequent."""

    cosines: Cosines
    words: float
    passages: int


def fuse(rankings: dict[str, Ranking], measure: Measure, model: ModelWeights, limit: int) -> list[Hit]:
    weights = _weights_for(rankings, model)
    signals = signals_of(rankings, measure)
    strengths = {id: round(weights.strength(one), DIGITS) for id, one in signals.items()}
    ordered = sorted(strengths.items(), key=lambda item: (-item[1], item[0]))
    scores = {component: dict(ranking) for component, ranking in rankings.items()}
    hits = list[Hit]()
    for place, (id, strength) in enumerate(ordered[:limit]):
        _, best_other = ordered[min(1, len(ordered) - 1) if place == 0 else 0]
        relevance = round(weights.relevance(strength, best_other), DIGITS)
        found_by = {component: found[id] for component, found in scores.items() if id in found}
        hits.append(Hit(point_id=UUID(id), score=relevance, scores=found_by))
    return hits


def signals_of(rankings: dict[str, Ranking], measure: Measure) -> dict[str, Signals]:
    """One that is not among the best hits of a ranking has the score of the last of these.

    The rankings are taken in blocks, and a hit belongs to the first block that has it. So a search for 300 passages begins
    with the 10 of a search for 10."""
    signals: dict[str, Signals] = {}
    for start in range(0, max(map(len, rankings.values()), default=0), CANDIDATES):
        blocks = {
            component: dict(ranking[start : start + CANDIDATES]) for component, ranking in rankings.items()
        }
        cosines, bm25 = blocks.get(DENSE, {}), blocks.get(SPARSE, {})
        cosine_floor = min(cosines.values(), default=-1.0)
        # A passage that is not in a short list of words has none of them.
        bm25_floor = min(bm25.values()) if len(bm25) == CANDIDATES else 0.0
        for id in {**cosines, **bm25}.keys() - signals.keys():
            likeness = measure.cosines.likeness(cosines.get(id, cosine_floor))
            words = words_signal(bm25.get(id, bm25_floor), measure.words, measure.passages)
            signals[id] = Signals(likeness, words)
    return signals


def _weights_for(rankings: dict[str, Ranking], model: ModelWeights) -> Weights:
    if DENSE not in rankings:
        return WORDS_ONLY
    return model.hybrid if SPARSE in rankings else model.dense
