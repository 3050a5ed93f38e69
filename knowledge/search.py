"""Search: the vector store ranks points, PostgreSQL says what they are.

Only what PostgreSQL shows inside the tenant's scope, of the generation that a document answers from, is ever returned: a
point without its row is passed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import F

from audit.services import record
from knowledge.embedding import Embedder, get_embedder
from knowledge.errors import FilterInvalidError
from knowledge.models import Chunk, Tag, TagLink
from knowledge.pipeline.ports import collection_name
from knowledge.services.libraries import readable_references
from knowledge.vectors import Filter, Hit, Mode, Query, get_vector_store
from tenants.actors import Actor
from tenants.models import Role
from tenants.scope import tenant_scope

MAX_LIMIT = 1000
# Some points may belong to a generation that was just replaced, or to a document that was just deleted.
SPARE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What may be found; every condition given must hold. The one filter language of admin, API, assistants and
    commands.

    `references`, `documents`, `knowledge_base`: ids. `tags_any`, `tags_all`, `tags_none`: tag names. `metadata`: a scalar
    must equal, a list means any of, {"gt"|"gte"|"lt"|"lte": number} is a range; what a file says of itself begins with
    "file_" (as in "file_author").
    """

    references: tuple[UUID, ...] | None = None
    knowledge_base: UUID | None = None
    documents: tuple[UUID, ...] | None = None
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


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
    passages = find(tenant_id=actor.tenant_id, query=query, mode=mode, limit=limit, filters=filters)
    with tenant_scope(actor.tenant_id):
        found = [str(passage.chunk_id) for passage in passages]
        record(actor=actor, action="search.performed", query=query, mode=mode, hits=found)
    return passages


def find(
    *, tenant_id: UUID, query: str, mode: Mode = Mode.HYBRID, limit: int = 10, filters: Filters | None = None
) -> list[Passage]:
    """`search` without the event: for measuring."""
    if not 1 <= limit <= MAX_LIMIT:
        raise FilterInvalidError(f"Ask for 1 to {MAX_LIMIT} passages.")
    text = query.replace("\x00", " ").strip()
    if not text:
        return []
    embedder = get_embedder()
    try:
        with tenant_scope(tenant_id):
            narrowed = _resolve(filters or Filters())
    except _NothingCanMatch:
        return []
    vector = None if mode is Mode.SPARSE else _query_vector(embedder, tenant_id, text)
    hits = get_vector_store().search(
        tenant_id,
        collection_name(embedder.model),
        Query(mode=mode, text=text, vector=vector, filter=narrowed, limit=limit + SPARE),
    )
    with tenant_scope(tenant_id):
        return _hydrate(hits)[:limit]


@lru_cache(maxsize=2048)
def _query_vector(embedder: Embedder, tenant_id: UUID, text: str) -> tuple[float, ...]:
    """A repeated query is not embedded again."""
    return tuple(embedder.embed(tenant_id, [text])[0].tolist())


def _resolve(filters: Filters) -> Filter:
    """Names to ids, inside the scope. Raises _NothingCanMatch."""
    references = filters.references
    if filters.knowledge_base:
        readable = tuple(readable_references(filters.knowledge_base))
        references = readable if references is None else tuple(set(references) & set(readable))
    if references == () or filters.documents == ():
        raise _NothingCanMatch
    ids = _tag_ids({*filters.tags_any, *filters.tags_all, *filters.tags_none}, references)
    any_ = tuple(pk for name in filters.tags_any for pk in ids[name])
    if filters.tags_any and not any_:
        raise _NothingCanMatch
    return Filter(
        reference_ids=references or (),
        document_ids=filters.documents or (),
        tags_any=any_,
        tags_all=_every(filters.tags_all, ids, references),
        tags_none=tuple(pk for name in filters.tags_none for pk in ids[name]),
        metadata=filters.metadata,
    )


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


def _hydrate(hits: Sequence[Hit]) -> list[Passage]:
    """Hits that the database knows, in their order."""
    rows = Chunk.objects.filter(
        pk__in=[hit.point_id for hit in hits],
        deleted_at__isnull=True,
        document__deleted_at__isnull=True,
        document__reference__deleted_at__isnull=True,
        document__reference__workspace__deleted_at__isnull=True,
        generation=F("document__generation"),
    ).select_related("document")
    chunks = {chunk.pk: chunk for chunk in rows.defer("document__text", "document__metadata_json")}
    tags = _tags_of(list(chunks))
    return [_passage(chunks[hit.point_id], hit, tags) for hit in hits if hit.point_id in chunks]


def _tags_of(chunk_ids: Sequence[UUID]) -> dict[UUID, list[PassageTag]]:
    tags: dict[UUID, list[PassageTag]] = defaultdict(list)
    links = TagLink.objects.filter(chunk_id__in=chunk_ids).order_by("-confidence", "tag__tag")
    for chunk_id, tag, source, confidence in links.values_list(
        "chunk_id", "tag__tag", "source", "confidence"
    ):
        tags[chunk_id].append(PassageTag(tag=tag, source=source, confidence=confidence))
    return tags


def _passage(chunk: Chunk, hit: Hit, tags: dict[UUID, list[PassageTag]]) -> Passage:
    return Passage(
        chunk_id=chunk.pk,
        document_id=chunk.document_id,
        reference_id=chunk.document.reference_id,
        filename=chunk.document.filename,
        page=chunk.page,
        heading=tuple(chunk.heading_path),
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        score=hit.score,
        scores=hit.scores,
        tags=tuple(tags[chunk.pk]),
    )
