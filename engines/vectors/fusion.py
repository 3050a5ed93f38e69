"""From the rankings of components to hits: one ranking as it is, or several fused by reciprocal rank."""

from __future__ import annotations

from collections import defaultdict
from heapq import nsmallest
from uuid import UUID

from engines.vectors import Hit

Ranking = list[tuple[str, float]]
# The constant of reciprocal rank fusion: tuned, see docs/decisions.
RRF_K = 20
MAX_FUSED_SCORE = 2 / (RRF_K + 1)  # of a point that is first in both rankings


def hits_of(rankings: dict[str, Ranking]) -> list[Hit]:
    """Return the hits of a search with one component."""
    return [
        Hit(point_id=UUID(id), score=score, scores={component: score})
        for component, ranking in rankings.items()
        for id, score in ranking
    ]


def fuse(rankings: dict[str, Ranking], limit: int) -> list[Hit]:
    """Return the best hits by reciprocal rank fusion. Equal scores are ordered by id, so that results are stable."""
    scores: defaultdict[str, dict[str, float]] = defaultdict(dict)
    fused: defaultdict[str, float] = defaultdict(float)
    for component, ranking in sorted(rankings.items()):
        for rank, (id, score) in enumerate(ranking, start=1):
            scores[id][component] = score
            fused[id] += 1 / (RRF_K + rank)
    best = nsmallest(limit, fused.items(), key=lambda item: (-item[1], item[0]))
    return [Hit(point_id=UUID(id), score=score, scores={**scores[id], "fused": score}) for id, score in best]
