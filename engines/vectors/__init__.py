"""The vector store port: points in, ranked point ids out. No text is stored: hits are hydrated from PostgreSQL.

Every call names its tenant, and every adapter puts the tenant into the filter itself: a caller cannot forget it or
override it. Collections are created on first use, with the payload indexes that `Filter` needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import UUID

from core.errors import EngineError
from engines.singleton import Singleton


class Mode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """`text` is only read to count its terms (BM25) and is not kept. `metadata` holds scalars and lists of them: it can be
    filtered by, and is not kept either."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    vector: Sequence[float]
    text: str
    tag_ids: tuple[UUID, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matches:
    """The metadata's `key` is as `wanted`: a scalar must equal (or be contained in a list value), a list means any of,
    {"gt"|"gte"|"lt"|"lte": number} is a range."""

    key: str
    wanted: Any


@dataclass(frozen=True, slots=True)
class Combined:
    """All, any or none of one or more conditions hold."""

    how: Literal["all", "any", "none"]
    of: tuple[Condition, ...]


Condition = Matches | Combined


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All given conditions must hold; an empty tuple is no condition. `metadata` has what is wanted, as `Matches`, by key;
    `where` says more of metadata.
    `below_generation` and `document_ids` together select the old points of a document."""

    reference_ids: tuple[UUID, ...] = ()
    document_ids: tuple[UUID, ...] = ()
    tags_any: tuple[UUID, ...] = ()
    tags_all: tuple[UUID, ...] = ()
    tags_none: tuple[UUID, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    where: Condition | None = None
    point_ids: tuple[UUID, ...] = ()
    below_generation: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`vector` is needed for dense and hybrid, `text` for sparse and hybrid. `limit` counts hits after fusion. A function
    that makes the vector is called when the text is already being looked up, if the store can do so."""

    mode: Mode
    text: str = ""
    vector: Sequence[float] | Callable[[], Sequence[float]] | None = None
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
    """What a point belongs to; `vector` only when it was asked for."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    tag_ids: tuple[UUID, ...]
    vector: tuple[float, ...] | None = None


class VectorStoreError(EngineError):
    """The vector store did not do what was asked. Every call is idempotent, so that a repeat after an unclear answer
    does no harm."""


class VectorStore(Protocol):
    """All writes are durable when the call returns. An absent collection is an empty one for reads and deletes."""

    def upsert(self, tenant_id: UUID, collection: str, points: Sequence[Point]) -> None: ...

    def set_tags(self, tenant_id: UUID, collection: str, tags: dict[UUID, tuple[UUID, ...]]) -> None:
        """Replace the tags of the tenant's given points: {point id: tag ids}. Absent points are passed over."""
        ...

    def delete(self, tenant_id: UUID, collection: str, filter: Filter) -> None:
        """Delete the tenant's points that match. Raises ValueError unless the filter names documents or points: without
        any it would match all that the tenant has."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """Qdrant's engine in its local owner process, which listens on a socket."""

    socket: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """A Qdrant server or cluster."""

    url: str
    api_key: str = field(default="", repr=False)


VectorStoreConfig = EdgeConfig | ServerConfig


@Singleton
def get_vector_store(config: VectorStoreConfig) -> VectorStore:
    """The process's vector store of this configuration."""
    if isinstance(config, ServerConfig):
        from engines.vectors.server import QdrantServerStore

        return QdrantServerStore(url=config.url, api_key=config.api_key)
    from engines.vectors.edge import EdgeStore

    return EdgeStore(config.socket)
