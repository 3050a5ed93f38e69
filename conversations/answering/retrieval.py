"""Finding the passages: in the references of the assistant's knowledge bases, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conversations.answering.request import AnswerRequest
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search

# So many times as many candidates as passages, because neighbours are joined and near-identical ones dropped.
DEPTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """The candidates, the best first. `warnings` are sentences for people."""

    query: str
    filters: SearchFilters
    candidates: tuple[FoundChunk, ...]
    warnings: tuple[str, ...] = ()


def retrieve(request: AnswerRequest, query: str, asked: SearchFilters | None = None) -> Retrieval:
    """Search with the filters of the request, or with those of a tool's call, which can only narrow them."""
    settings, filters = request.profile.settings, narrowed(request, asked or request.filters)
    if not filters.references:
        return Retrieval(query=query, filters=filters, candidates=())
    warnings: list[str] = []
    candidates = search(
        actor=request.actor,
        query=query,
        limit=settings.passages * DEPTH,
        filters=filters,
        operators=False,
        min_score=settings.min_relevance,
        rerank=settings.rerank,
        warn=warnings.append,
    )
    return Retrieval(query=query, filters=filters, candidates=tuple(candidates), warnings=tuple(warnings))


def narrowed(request: AnswerRequest, filters: SearchFilters) -> SearchFilters:
    """The filters with those of their references that the assistant reads, or with all that it reads."""
    own = request.profile.references
    if filters.references is None:
        return replace(filters, references=own)
    return replace(filters, references=tuple(pk for pk in own if pk in set(filters.references)))
