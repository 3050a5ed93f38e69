"""Reranking: a model that reads the question together with each of the best passages has its say in their order.

It recognises answers, but not everything that people search for. So its scores are blended with those of the search.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from math import log
from statistics import fmean, pstdev
from uuid import UUID

from core.errors import ConfigurationError
from core.isolation.scope import tenant_scope
from engines.languages import is_among
from engines.reranking import RerankingError
from engines.vectors import Hit
from knowledge.engine_config import reranker
from knowledge.pipeline.chunking import with_titles
from knowledge.search.found_chunks import hydrate
from knowledge.search.warnings import Warn

logger = logging.getLogger(__name__)
# How many of the best passages are reranked, and how much the reranker's scores count: measured, see docs/decisions.
RERANKED, WEIGHT = 10, 0.4
# Logits of 0 and 1 are infinite.
CLIP = 1e-6


def reranked(tenant_id: UUID, question: str, hits: Sequence[Hit], warn: Warn) -> list[Hit]:
    """Return the hits, the best ones in their new order, or in the old one with a warning. To be called outside of a scope,
    because the reranker takes its time.

    The best hits exchange their scores, so that a score still says how relevant a hit at its place is."""
    with tenant_scope(tenant_id):
        chunks = hydrate(hits, RERANKED)
    passages = {chunk.chunk_id: with_titles(chunk.heading, chunk.text) for chunk in chunks}
    try:
        chosen = reranker()
        if not is_among(question, chosen.languages):
            warn("The passages are not reranked, because the reranker does not read the question's language.")
            return list(hits)
        answers = chosen.score(tenant_id, question, list(passages.values()))
    except (ConfigurationError, RerankingError) as error:
        logger.warning("passages were not reranked: %s", error)
        warn("The passages are not reranked. The reranker does not work now, and the log says why.")
        return list(hits)
    opinions = dict(zip(passages, answers, strict=True))
    best = [hit for hit in hits if hit.point_id in opinions]
    others = [hit for hit in hits if hit.point_id not in opinions]
    blended = _blend([hit.score for hit in best], [opinions[hit.point_id] for hit in best])
    order = sorted(range(len(best)), key=lambda place: -blended[place])
    exchanged = [
        replace(
            best[old], score=new.score, scores={**best[old].scores, "rerank": opinions[best[old].point_id]}
        )
        for old, new in zip(order, best, strict=True)
    ]
    return [*exchanged, *others]


def _blend(relevances: Sequence[float], opinions: Sequence[float]) -> list[float]:
    pairs = zip(_standardized(relevances), _standardized(opinions), strict=True)
    return [(1 - WEIGHT) * relevance + WEIGHT * opinion for relevance, opinion in pairs]


def _standardized(probabilities: Sequence[float]) -> list[float]:
    """How many standard deviations each is above the mean, as logits: near 0 and 1, probabilities hardly differ."""
    if not probabilities:
        return []
    clipped = [min(max(probability, CLIP), 1 - CLIP) for probability in probabilities]
    logits = [log(probability / (1 - probability)) for probability in clipped]
    mean, deviation = fmean(logits), pstdev(logits)
    return [(logit - mean) / deviation if deviation else 0.0 for logit in logits]
