"""The vector store port: points in, ranked point ids out. No text is stored: hits are hydrated from PostgreSQL.

Every call names its tenant, and every adapter adds the tenant to the filter itself: a caller can neither forget nor
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
from engines.embedding.cosines import Cosines
from engines.singleton import Singleton


class Mode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """`text` is only read for its terms (BM25), and is not stored. `metadata` holds scalars and lists of them; it and the
    `language` can be filtered by, and are not stored either."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    vector: Sequence[float]
    text: str
    language: str | None = None
    tag_ids: tuple[UUID, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matches:
    """The metadata's `key` matches `value`: a scalar must be equal (or be contained in a stored list), a list means any of
    its items, and {"gt"|"gte"|"lt"|"lte": number} is a range."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class BelongsTo:
    """The point has one of the tags, or is of one of the documents or references; of none if there are no ids."""

    kind: Literal["document", "reference", "tag"]
    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Combined:
    """All, any or none of one or more conditions hold."""

    operator: Literal["all", "any", "none"]
    conditions: tuple[Condition, ...]


Condition = Matches | BelongsTo | Combined


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All conditions must hold; an empty tuple is no condition. `metadata` is {key: value} as in `Matches`; `where` is a
    further condition. `below_generation` and `document_ids` together select a document's old points. All filters
    of `also` must hold, and none of `never`."""

    reference_ids: tuple[UUID, ...] = ()
    document_ids: tuple[UUID, ...] = ()
    languages: tuple[str, ...] = ()
    tags_any: tuple[UUID, ...] = ()
    tags_all: tuple[UUID, ...] = ()
    tags_none: tuple[UUID, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    where: Condition | None = None
    point_ids: tuple[UUID, ...] = ()
    below_generation: int | None = None
    also: tuple[Filter, ...] = ()
    never: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`vector` is needed for dense and hybrid, `text` for sparse and hybrid. `limit` applies after fusion. If `vector` is a
    function, the embedded store calls it while the sparse query is already running. `cosines` are those of the
    vector's model, and `is_read` is False if the text is in a language that it does not read. Unless it is `exact`, words
    are found by their beginnings and their parts, too."""

    mode: Mode
    text: str = ""
    vector: Sequence[float] | Callable[[], Sequence[float]] | None = None
    cosines: Cosines = field(default_factory=Cosines)
    is_read: bool = True
    exact: bool = False
    filter: Filter = Filter()
    limit: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """`score` is the relevance, from 0 to 1, and orders the hits of all modes and models. `scores` has one score per
    component that found the point: {"dense": cosine, "sparse": BM25}."""

    point_id: UUID
    score: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPoint:
    """What a point belongs to; `vector` only if requested."""

    id: UUID
    document_id: UUID
    reference_id: UUID
    generation: int
    tag_ids: tuple[UUID, ...]
    vector: tuple[float, ...] | None = None


class VectorStoreError(EngineError):
    """The vector store failed or refused a call. All calls are idempotent and safe to retry."""


class VectorStore(Protocol):
    """Writes are durable when the call returns. Reads and deletes treat an absent collection as an empty one."""

    def upsert(self, tenant_id: UUID, collection: str, points: Sequence[Point]) -> None: ...

    def set_tags(self, tenant_id: UUID, collection: str, tags: dict[UUID, tuple[UUID, ...]]) -> None:
        """Replace the tags of the tenant's points, {point id: tag ids}. Absent points are ignored."""
        ...

    def delete(self, tenant_id: UUID, collection: str, filter: Filter) -> None:
        """Delete the tenant's points that match. Raises ValueError unless the filter names documents or points: without
        them it would match all points of the tenant."""
        ...

    def search(self, tenant_id: UUID, collection: str, query: Query) -> list[Hit]:
        """Return the best hits first. IDF is computed over the tenant's own points only."""
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
        """Return the tenant's matching points with ids above `after`, ordered by id. Fewer than `limit` are the last."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """Qdrant Edge in its local owner process, which listens on a socket."""

    socket: Path
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """A Qdrant server or cluster."""

    url: str
    api_key: str = field(default="", repr=False)


VectorStoreConfig = EdgeConfig | ServerConfig


@Singleton
def get_vector_store(config: VectorStoreConfig) -> VectorStore:
    """Return the process's vector store for this configuration."""
    if isinstance(config, ServerConfig):
        from engines.vectors.server import QdrantServerStore

        return QdrantServerStore(url=config.url, api_key=config.api_key)
    from engines.vectors.edge import EdgeStore

    return EdgeStore(config.socket, config.password)
