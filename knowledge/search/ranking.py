"""Ranking the points of a question: by each embedding model in its own collection, and all of them by their relevance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from uuid import UUID

from engines.embedding.cosines import Cosines, cosines_of
from engines.languages import is_among
from engines.vectors import Hit, Mode, Query
from engines.vectors.bm25 import has_only_stop_words
from knowledge.engine_config import embedder_named, vector_store
from knowledge.pipeline.embedding import cached_vector
from knowledge.pipeline.ports import collection_name
from knowledge.search.by_model import filters_by_model
from knowledge.search.conditions import with_conditions
from knowledge.search.filters import NothingCanMatch, SearchFilters, resolve
from knowledge.search.question import Condition, Question
from knowledge.search.warnings import Warn, ignore


def rank(
    tenant_id: UUID,
    question: Question,
    query: Query,
    *,
    models: Collection[str],
    filters: SearchFilters,
    warn: Warn,
) -> list[Hit]:
    """Return the best hits of the query's mode, up to its limit. To be called outside of a scope, because embedder and
    vector store may take their time. Stop words alone are a phrase, such as a name, if any passage has it."""
    if not question.conditions and has_only_stop_words(question.text):
        phrase = Question(text=question.text, conditions=(Condition(value=question.text),))
        if found := _rank(tenant_id, phrase, query, models=models, filters=filters, warn=ignore):
            return found
    return _rank(tenant_id, question, query, models=models, filters=filters, warn=warn)


def _rank(
    tenant_id: UUID,
    question: Question,
    query: Query,
    *,
    models: Collection[str],
    filters: SearchFilters,
    warn: Warn,
) -> list[Hit]:
    if not (question.text or question.conditions):
        return []
    try:
        collections = [collection_name(model) for model in models]
        resolved = with_conditions(tenant_id, collections, question, resolve(tenant_id, filters, warn))
    except NothingCanMatch:
        return []
    hits: list[Hit] = []
    for model, filter in filters_by_model(tenant_id, models, resolved).items():
        hits += _hits_of(tenant_id, model, question.text, replace(query, filter=filter))
    return sorted(hits, key=lambda hit: (-hit.score, hit.point_id))[: query.limit]


def _hits_of(tenant_id: UUID, model: str, text: str, query: Query) -> list[Hit]:
    """Without text, every passage that fulfils the conditions is as relevant as can be."""
    if not text:
        points = vector_store().scroll(tenant_id, collection_name(model), query.filter, limit=query.limit)
        return [Hit(point_id=point.id, score=1.0, scores={}) for point in points]
    embedder = embedder_named(model)
    query = replace(
        query,
        text=text,
        vector=partial(cached_vector, embedder, tenant_id, text),
        cosines=Cosines() if query.mode is Mode.SPARSE else cosines_of(embedder),
        is_read=is_among(text, embedder.languages),
    )
    return vector_store().search(tenant_id, collection_name(model), query)
