"""Search: the vector store ranks points, PostgreSQL says what they are.

Only what PostgreSQL shows inside the tenant's scope, of the generation that a document answers from, is ever returned: a
point without its row is passed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.db import connection

from audit.services import record
from core.actors import Actor
from core.isolation.scope import current_tenant_id, tenant_scope
from core.permissions import Role
from engines.embedding import Embedder, get_embedder
from engines.vectors import Condition, Filter, Hit, Mode, Query, get_vector_store
from knowledge.errors import FilterInvalidError
from knowledge.models import Tag
from knowledge.pipeline.ports import collection_name
from knowledge.services.libraries import readable_references

MAX_LIMIT = 1000
# Some points may belong to a generation that was just replaced, or to a document that was just deleted.
SPARE = 10

# What a passage says. Spelled out because Django would take longer to write it than PostgreSQL to answer it. What hangs on
# a chunk is looked up by subqueries, for one chunk at a time: PostgreSQL cannot know how much a tenant has, and would, of a
# join, rather look through all of its documents or tags. There is no document when the chunk is of another generation or
# something above it is deleted.
PASSAGES = """
SELECT c.id, c.document_id, c.page, c.heading_path, c.start, c."end", c.text,
    (
        SELECT json_build_object('reference_id', d.reference_id, 'filename', d.filename)
        FROM documents d JOIN "references" r ON r.id = d.reference_id JOIN workspaces w ON w.id = r.workspace_id
        WHERE d.tenant_id = %(tenant)s AND d.id = c.document_id AND d.generation = c.generation
            AND d.deleted_at IS NULL AND r.deleted_at IS NULL AND w.deleted_at IS NULL
    ),
    ARRAY(
        SELECT json_build_object('tag', tag, 'source', source, 'confidence', confidence)
        FROM (
            SELECT (SELECT t.tag FROM tags t WHERE t.tenant_id = %(tenant)s AND t.id = l.tag_id), l.source, l.confidence
            FROM tag_links l WHERE l.tenant_id = %(tenant)s AND l.chunk_id = c.id
        ) AS of_chunk ORDER BY confidence DESC, tag
    )
FROM chunks c WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s) AND c.deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What may be found; every condition given must hold. The one filter language of admin, API, assistants and
    commands.

    `references`, `documents`, `knowledge_base`: ids. `tags_any`, `tags_all`, `tags_none`: tag names. `metadata`: a scalar
    must equal, a list means any of, {"gt"|"gte"|"lt"|"lte": number} is a range; what a file says of itself begins with
    "file_" (as in "file_author"). `where` combines such conditions by all, any and none.
    """

    references: tuple[UUID, ...] | None = None
    knowledge_base: UUID | None = None
    documents: tuple[UUID, ...] | None = None
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    where: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageTag:
    tag: str
    source: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One hit. `start` and `end` are character offsets into the document's text; `heading` has the titles above, the
    highest first; `scores` those of the components that found it."""

    chunk_id: UUID
    document_id: UUID
    reference_id: UUID
    filename: str
    page: int | None
    heading: tuple[str, ...]
    start: int
    end: int
    text: str
    score: float
    scores: dict[str, float]
    tags: tuple[PassageTag, ...]


class _NothingCanMatch(Exception):
    """A condition names what does not exist."""


def search(
    *,
    actor: Actor,
    query: str,
    mode: Mode = Mode.HYBRID,
    limit: int = 10,
    filters: Filters | None = None,
) -> list[Passage]:
    """The best passages first; one event in the audit log. Raises FilterInvalidError, EmbeddingError, VectorStoreError."""
    actor.require(Role.VIEWER)
    hits = _ranked(actor.tenant_id, query, mode, limit, filters or Filters())
    with tenant_scope(actor.tenant_id):
        passages = _hydrate(hits, limit)
        found = [str(passage.chunk_id) for passage in passages]
        record(actor=actor, action="search.performed", query=query, mode=mode, hits=found)
    return passages


def find(
    *, tenant_id: UUID, query: str, mode: Mode = Mode.HYBRID, limit: int = 10, filters: Filters | None = None
) -> list[Passage]:
    """`search` without the event: for measuring."""
    hits = _ranked(tenant_id, query, mode, limit, filters or Filters())
    with tenant_scope(tenant_id):
        return _hydrate(hits, limit)


def _ranked(tenant_id: UUID, query: str, mode: Mode, limit: int, filters: Filters) -> list[Hit]:
    """What the vector store ranks best, and some to spare. Outside of a scope: both ports may take their time."""
    if not 1 <= limit <= MAX_LIMIT:
        raise FilterInvalidError(f"Ask for 1 to {MAX_LIMIT} passages.")
    text = query.replace("\x00", " ").strip()
    if not text:
        return []
    embedder = get_embedder()
    try:
        narrowed = _resolve(tenant_id, filters)
    except _NothingCanMatch:
        return []
    return get_vector_store().search(
        tenant_id,
        collection_name(embedder.model),
        Query(
            mode=mode,
            text=text,
            vector=partial(_query_vector, embedder, tenant_id, text),
            filter=narrowed,
            limit=limit + SPARE,
        ),
    )


@lru_cache(maxsize=2048)
def _query_vector(embedder: Embedder, tenant_id: UUID, text: str) -> tuple[float, ...]:
    """A repeated query is not embedded again."""
    return tuple(embedder.embed(tenant_id, [text])[0].tolist())


def _resolve(tenant_id: UUID, filters: Filters) -> Filter:
    """Names to ids; PostgreSQL is asked only when there is a name. Raises _NothingCanMatch."""
    names = {*filters.tags_any, *filters.tags_all, *filters.tags_none}
    with tenant_scope(tenant_id) if names or filters.knowledge_base else nullcontext():
        references = _references(filters)
        ids = _tag_ids(names, references)
    any_ = tuple(pk for name in filters.tags_any for pk in ids[name])
    if references == () or filters.documents == () or (filters.tags_any and not any_):
        raise _NothingCanMatch
    return Filter(
        reference_ids=references or (),
        document_ids=filters.documents or (),
        tags_any=any_,
        tags_all=_every(filters.tags_all, ids, references),
        tags_none=tuple(pk for name in filters.tags_none for pk in ids[name]),
        metadata=filters.metadata,
        where=filters.where,
    )


def _references(filters: Filters) -> tuple[UUID, ...] | None:
    """Those of the knowledge base, of which the given ones; None for all."""
    if filters.knowledge_base is None:
        return filters.references
    readable = readable_references(filters.knowledge_base)
    return tuple(readable if filters.references is None else set(filters.references) & set(readable))


def _tag_ids(names: set[str], references: Sequence[UUID] | None) -> dict[str, list[UUID]]:
    """A name may stand in several references' vocabularies."""
    ids: dict[str, list[UUID]] = defaultdict(list)
    if names:
        tags = Tag.objects.filter(tag__in=names)
        if references is not None:
            tags = tags.filter(reference_id__in=references)
        for name, pk in tags.values_list("tag", "pk"):
            ids[name].append(pk)
    return ids


def _every(
    names: Sequence[str], ids: dict[str, list[UUID]], references: Sequence[UUID] | None
) -> tuple[UUID, ...]:
    found = [ids[name] for name in names]
    if not all(found):
        raise _NothingCanMatch
    if any(len(same) > 1 for same in found):
        raise FilterInvalidError("'tags_all' needs one reference, because each has tags of its own. Name it.")
    return tuple(same[0] for same in found)


def _hydrate(hits: Sequence[Hit], limit: int) -> list[Passage]:
    """The first hits that the database knows, in their order; those to spare are looked up when some are missing."""
    found = _known(hits[:limit])
    if len(found) < limit < len(hits):
        found += _known(hits[limit:])
    return found[:limit]


def _known(hits: Sequence[Hit]) -> list[Passage]:
    with connection.cursor() as cursor:
        cursor.execute(PASSAGES, {"tenant": current_tenant_id(), "ids": [hit.point_id for hit in hits]})
        known = {row[0]: row for row in cursor.fetchall() if row[-2]}
    return [_passage(known[hit.point_id], hit) for hit in hits if hit.point_id in known]


def _passage(row: tuple[Any, ...], hit: Hit) -> Passage:
    chunk_id, document_id, page, heading, start, end, text, document, tags = row
    return Passage(
        chunk_id=chunk_id,
        document_id=document_id,
        reference_id=UUID(document["reference_id"]),
        filename=document["filename"],
        page=page,
        heading=tuple(heading),
        start=start,
        end=end,
        text=text,
        score=hit.score,
        scores=hit.scores,
        tags=tuple(PassageTag(**tag) for tag in tags),
    )
