"""Search: the vector store ranks points, PostgreSQL says what they are.

Only what PostgreSQL shows inside the tenant's scope, of the generation that a document answers from, is ever returned: a
point without its row is passed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from uuid import UUID

from audit.services import record
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.embedding import Embedder
from engines.vectors import Filter, Hit, Mode, Query
from knowledge.engine_config import default_model, embedder_configs, embedder_named, model_for, vector_store
from knowledge.errors import FilterInvalidError
from knowledge.models import Reference
from knowledge.pipeline.ports import collection_name
from knowledge.search.filters import NothingCanMatch, SearchFilters, resolve
from knowledge.search.found_chunks import FoundChunk, hydrate

MAX_LIMIT = 1000
# Some points may belong to a generation that was just replaced, or to a document that was just deleted.
SPARE = 10


def search(
    *,
    actor: Actor,
    query: str,
    mode: Mode = Mode.HYBRID,
    limit: int = 10,
    filters: SearchFilters | None = None,
    audited: bool = True,
) -> list[FoundChunk]:
    """The best passages first; one event in the audit log, unless it only measures. Raises FilterInvalidError,
    EmbeddingError, VectorStoreError."""
    actor.require(Role.VIEWER)
    hits = _ranked(actor.tenant_id, query, mode, limit, filters or SearchFilters())
    with tenant_scope(actor.tenant_id):
        passages = hydrate(hits, limit)
        if audited:
            found = [str(passage.chunk_id) for passage in passages]
            record(actor=actor, action="search.performed", query=query, mode=mode, hits=found)
    return passages


def _ranked(tenant_id: UUID, query: str, mode: Mode, limit: int, filters: SearchFilters) -> list[Hit]:
    """The hits that rank best, with some to spare. Outside of a scope: both engines may take their time."""
    if not 1 <= limit <= MAX_LIMIT:
        raise FilterInvalidError(f"Ask for 1 to {MAX_LIMIT} passages.")
    text = query.replace("\x00", " ").strip()
    if not text:
        return []
    try:
        narrowed = resolve(tenant_id, filters)
    except NothingCanMatch:
        return []
    hits: list[Hit] = []
    for model, of_model in _by_model(tenant_id, narrowed):
        vector = partial(_query_vector, embedder_named(model), tenant_id, text)
        wanted = Query(mode=mode, text=text, vector=vector, filter=of_model, limit=limit + SPARE)
        hits += vector_store().search(tenant_id, collection_name(model), wanted)
    return sorted(hits, key=lambda hit: (-hit.score, hit.point_id))[: limit + SPARE]


def _by_model(tenant_id: UUID, narrowed: Filter) -> Iterator[tuple[str, Filter]]:
    """Each embedding model of the references that are searched, with the filter for its collection. PostgreSQL is asked
    only where there is a choice of models."""
    if len(embedder_configs()) == 1:
        yield default_model(), narrowed
        return
    references: defaultdict[str, list[UUID]] = defaultdict(list)
    with tenant_scope(tenant_id):
        rows = Reference.objects.only("pk", "embedding_model")
        for row in rows.filter(pk__in=narrowed.reference_ids) if narrowed.reference_ids else rows:
            references[model_for(row)].append(row.pk)
    for model, ids in references.items():
        yield model, replace(narrowed, reference_ids=tuple(ids))


@lru_cache(maxsize=2048)
def _query_vector(embedder: Embedder, tenant_id: UUID, text: str) -> tuple[float, ...]:
    """A repeated query is not embedded again."""
    return tuple(embedder.embed(tenant_id, [text])[0].tolist())
