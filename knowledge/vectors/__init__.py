"""The vector store port: points in, ranked point ids out. No text is stored: hits are hydrated from PostgreSQL.

Every call names its tenant, and every adapter puts the tenant into the filter itself: a caller cannot forget it or
override it. Collections are created on first use, with the payload indexes that `Filter` needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Protocol
from uuid import UUID


class Mode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """`text` is only read to count its terms (BM25) and is not kept. `metadata` holds scalars and lists of them."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    vector: Sequence[float]
    text: str
    tag_ids: tuple[UUID, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All given conditions must hold; an empty tuple is no condition. `metadata` values: a scalar must equal (or be
    contained in a list value), a list means any of, {"gt"|"gte"|"lt"|"lte": number} is a range.
    `below_generation` and `document_ids` together select the old points of a document."""

    reference_ids: tuple[UUID, ...] = ()
    document_ids: tuple[UUID, ...] = ()
    tags_any: tuple[UUID, ...] = ()
    tags_all: tuple[UUID, ...] = ()
    tags_none: tuple[UUID, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    point_ids: tuple[UUID, ...] = ()
    below_generation: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`vector` is needed for dense and hybrid, `text` for sparse and hybrid. `limit` counts hits after fusion."""

    mode: Mode
    text: str = ""
    vector: Sequence[float] | None = None
    filter: Filter = Filter()
    limit: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """`score` orders the hits. `scores` has the components that found the point: {"dense": cosine, "sparse": BM25,
    "fused": RRF}, each only where it applies."""

    point_id: UUID
    score: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPoint:
    """What is stored of a point; `vector` only when it was asked for."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    tag_ids: tuple[UUID, ...]
    metadata: dict[str, Any]
    vector: tuple[float, ...] | None = None


class VectorStoreError(Exception):
    """The vector store did not do what was asked. `code` is stable; `retryable` says whether the same call may
    succeed later. Every call is idempotent, so that a repeat after an unclear answer does no harm."""

    def __init__(self, code: str, detail: str, *, retryable: bool) -> None:
        super().__init__(detail)
        self.code, self.detail, self.retryable = code, detail, retryable


class VectorStore(Protocol):
    """All writes are durable when the call returns. An absent collection is an empty one for reads and deletes."""

    def upsert(self, tenant_id: UUID, collection: str, points: Sequence[Point]) -> None: ...

    def set_tags(self, tenant_id: UUID, collection: str, tags: dict[UUID, tuple[UUID, ...]]) -> None:
        """Replace the tags of the tenant's given points: {point id: tag ids}. Absent points are passed over."""
        ...

    def delete(self, tenant_id: UUID, collection: str, filter: Filter) -> None:
        """Delete the tenant's points that match; an empty filter deletes all of the tenant's points."""
        ...

    def search(self, tenant_id: UUID, collection: str, query: Query) -> list[Hit]:
        """Best first. IDF is counted over the tenant's own points only."""
        ...

    def scroll(
        self,
        tenant_id: UUID,
        collection: str,
        filter: Filter,
        *,
        after: UUID | None = None,
        limit: int = 1000,
        with_vectors: bool = False,
    ) -> list[StoredPoint]:
        """The tenant's points that match, ordered by id, those after `after`; fewer than `limit` means the end."""
        ...


@cache
def get_vector_store() -> VectorStore:
    from django.conf import settings

    if settings.QDRANT_URL:
        from knowledge.vectors.server import QdrantServerStore

        return QdrantServerStore(url=settings.QDRANT_URL, api_key=settings.QDRANT_API_KEY)
    from knowledge.vectors.edge import EdgeStore

    return EdgeStore(settings.VECTOR_SOCKET)
