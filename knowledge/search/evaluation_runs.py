"""Running an evaluation set: each question is searched for, and the ranks of its expected documents are stored with nDCG,
recall and hit rate, so that settings can be compared over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import log2
from statistics import fmean
from typing import Any
from uuid import UUID

from audit.services import save_audited
from core.actors import Actor
from core.errors import InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.vectors import Mode
from knowledge.models import EvaluationCase, EvaluationRun, EvaluationSet, Reference
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search

# So many documents are ranked, by the best of their chunks, of which so many are searched.
RANKED_DOCUMENTS, SEARCHED_CHUNKS = 10, 100
Ranks = Mapping[str, int | None]


def run_evaluation(
    *, actor: Actor, evaluation_set: UUID, mode: Mode = Mode.HYBRID, rerank: bool = False
) -> EvaluationRun:
    """Search the references of the set's workspace. To be called outside of any scope. Raises NotFoundError, InvalidError
    for a set without a case that has expected documents, and as `search`."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        found = EvaluationSet.objects.filter(pk=evaluation_set).first()
        if found is None:
            raise NotFoundError("There is no such evaluation set.")
        rows = EvaluationCase.objects.filter(evaluation_set=found).exclude(expected_json=[])
        cases = [*rows.order_by("created_at")]
        references = tuple(
            Reference.objects.filter(workspace=found.workspace_id).values_list("pk", flat=True)
        )
    if not cases:
        raise InvalidError("No case of this set has expected documents.")
    ranks: dict[str, Ranks] = {}
    for case in cases:
        chunks = search(
            actor=actor,
            query=case.question,
            mode=mode,
            limit=SEARCHED_CHUNKS,
            filters=SearchFilters(references=references),
            operators=False,
            min_score=0,
            rerank=rerank,
            audited=False,
        )
        ranks[str(case.pk)] = ranks_of(case.expected_json, chunks)
    facts = {"mode": mode, "rerank": rerank, "cases": len(cases), "ranks_json": ranks}
    with tenant_scope(actor.tenant_id):
        run = EvaluationRun(evaluation_set=found, **facts, **_figures(ranks.values()))
        save_audited(actor=actor, instance=run, action="evaluation_set.run")
    return run


def ranks_of(expected: Sequence[Mapping[str, Any]], chunks: Sequence[FoundChunk]) -> Ranks:
    """{document: its place among the documents that were found, from 1}; None if it, or its page, is not among them."""
    places: dict[str, int] = {}
    for chunk in chunks:
        places.setdefault(str(chunk.document_id), len(places) + 1)
    return {one["document"]: _rank(one, places.get(one["document"]), chunks) for one in expected}


def _rank(expected: Mapping[str, Any], place: int | None, chunks: Sequence[FoundChunk]) -> int | None:
    if place is None or place > RANKED_DOCUMENTS:
        return None
    page = expected.get("page")
    own = [chunk for chunk in chunks if str(chunk.document_id) == expected["document"]]
    has_page = page is None or any(
        chunk.page is not None and chunk.page <= page <= (chunk.last_page or chunk.page) for chunk in own
    )
    return place if has_page else None


def _figures(cases: Iterable[Ranks]) -> dict[str, float]:
    values = [_values(case) for case in cases]
    names = ("ndcg", "recall", "hit_rate")
    return {
        name: round(fmean(column), 4) for name, column in zip(names, zip(*values, strict=True), strict=True)
    }


def _values(ranks: Ranks) -> tuple[float, float, float]:
    """nDCG, recall, and whether anything was found, of one case."""
    found = [rank for rank in ranks.values() if rank]
    ideal = sum(1 / log2(place + 1) for place in range(1, min(len(ranks), RANKED_DOCUMENTS) + 1))
    gain = sum(1 / log2(rank + 1) for rank in found)
    return gain / ideal, len(found) / len(ranks), float(bool(found))
