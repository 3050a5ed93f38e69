"""What both adapters share: isolation, payloads, terms and fusion. An adapter only translates six operations for its
engine, each with a filter that was built here.

A point of another tenant is not overwritten: an upsert replaces a stored point only if the tenant's own filter matches
it, and skips the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.batching import batched
from engines.vectors import Filter, Hit, Mode, Point, Query, StoredPoint
from engines.vectors.bm25 import Sparse, count_words, document_terms, query_terms
from engines.vectors.filters import (
    DOCUMENT,
    GENERATION,
    METADATA,
    REFERENCE,
    TAGS,
    TENANT,
    TERMS,
    Spec,
    invalid,
    language_terms,
    metadata_numbers,
    metadata_terms,
    tenant_filter,
    validate_collection_name,
)
from engines.vectors.fusion import CANDIDATES, DENSE, SPARSE, Measure, Ranking, fuse
from engines.vectors.relevance import READ, UNREAD

BATCH = 500
# HNSW's parameters; HNSW_EF is a minimum. Each large tenant, reference and tag has its own graph, so that filtered
# searches have good recall; there is none over all tenants.
HNSW_M, HNSW_EF_CONSTRUCT, HNSW_EF = 16, 100, 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Points as an engine takes them: item i of each list is of the same point."""

    ids: list[str]
    payloads: list[dict[str, Any]]
    dense: NDArray[np.float32]
    sparse: list[Sparse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A query for one ranking. `corpus` selects the points over which IDF is computed."""

    using: str
    vector: NDArray[np.float32] | Sparse
    filter: Spec
    corpus: Spec
    limit: int


class QdrantStore(ABC):
    """The `VectorStore` protocol over six operations of an engine, all of which raise VectorStoreError and
    treat an absent collection as an empty one."""

    def upsert(self, tenant_id: UUID, collection: str, points: Sequence[Point]) -> None:
        name, own = validate_collection_name(collection), tenant_filter(tenant_id)
        for batch in batched(points, BATCH):
            self._upsert(name, rows_of(tenant_id, batch), own)

    def set_tags(self, tenant_id: UUID, collection: str, tags: dict[UUID, tuple[UUID, ...]]) -> None:
        points_by_tags: defaultdict[tuple[UUID, ...], list[UUID]] = defaultdict(list)
        for point_id, tag_ids in tags.items():
            points_by_tags[tag_ids].append(point_id)
        changes: list[tuple[Spec, dict[str, Any]]] = []
        for tag_ids, point_ids in points_by_tags.items():
            spec = tenant_filter(tenant_id, Filter(point_ids=tuple(point_ids)))
            changes.append((spec, {TAGS: [str(tag_id) for tag_id in tag_ids]}))
        self._set_payload(validate_collection_name(collection), changes)

    def delete(self, tenant_id: UUID, collection: str, filter: Filter) -> None:
        name = validate_collection_name(collection)
        if not (filter.document_ids or filter.point_ids):
            raise ValueError("Name the documents or the points to delete.")
        self._delete(name, tenant_filter(tenant_id, filter))

    def search(self, tenant_id: UUID, collection: str, query: Query) -> list[Hit]:
        name = validate_collection_name(collection)
        if query.limit <= 0:
            return []
        terms = query_terms(query.text, exact=query.exact)
        rankings = self._query(name, _components(tenant_id, query, terms))
        passages = self._count(name, tenant_filter(tenant_id)) if SPARSE in rankings else 0
        measure = Measure(query.cosines, count_words(query.text), passages)
        return fuse(rankings, measure, READ if query.is_read else UNREAD, query.limit)

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
        name, spec = validate_collection_name(collection), tenant_filter(tenant_id, filter)
        points = list[StoredPoint]()
        while len(points) < limit:
            size = min(BATCH, limit - len(points))
            page = self._scroll(name, spec, after, size, with_vectors)
            points += page
            if len(page) < size:
                break
            after = page[-1].id
        return points

    @abstractmethod
    def _upsert(self, collection: str, rows: Rows, own: Spec) -> None:
        """Write the points whose id is new or whose stored point matches `own`. Creates the collection."""

    @abstractmethod
    def _set_payload(self, collection: str, changes: list[tuple[Spec, dict[str, Any]]]) -> None:
        """For each change, set these fields of the points that match the filter."""

    @abstractmethod
    def _delete(self, collection: str, filter: Spec) -> None: ...

    @abstractmethod
    def _query(self, collection: str, components: Iterable[Component]) -> dict[str, Ranking]:
        """Return {vector name: ranking}. Iteration may be slow: the dense component embeds the query."""

    @abstractmethod
    def _count(self, collection: str, filter: Spec) -> int:
        """Return about how many points match."""

    @abstractmethod
    def _scroll(
        self, collection: str, filter: Spec, after: UUID | None, limit: int, with_vectors: bool
    ) -> list[StoredPoint]: ...


def stored_point(id: str, payload: dict[str, Any], vector: Sequence[float] | None) -> StoredPoint:
    return StoredPoint(
        id=UUID(id),
        document_id=UUID(payload[DOCUMENT]),
        reference_id=UUID(payload[REFERENCE]),
        generation=payload[GENERATION],
        tag_ids=tuple(UUID(tag_id) for tag_id in payload[TAGS]),
        vector=None if vector is None else tuple(vector),
    )


def rows_of(tenant_id: UUID, points: Sequence[Point]) -> Rows:
    """Raises VectorStoreError if a vector or metadata cannot be stored. Points with the same fields, such as a document's
    chunks, share one payload object, which `EdgeStore` sends once."""
    payloads, shared = list[dict[str, Any]](), dict[Hashable, dict[str, Any]]()
    for point in points:
        fields = (point.reference_id, point.document_id, point.generation, point.tag_ids, point.language)
        key = (id(point.metadata), *fields)
        if key not in shared:
            shared[key] = {
                TENANT: str(tenant_id),
                REFERENCE: str(point.reference_id),
                DOCUMENT: str(point.document_id),
                GENERATION: point.generation,
                TAGS: [str(tag_id) for tag_id in point.tag_ids],
                METADATA: metadata_numbers(point.metadata),
                TERMS: [*metadata_terms(point.metadata), *language_terms(point.language)],
            }
        payloads.append(shared[key])
    return Rows(
        ids=[str(point.id) for point in points],
        payloads=payloads,
        dense=_finite([point.vector for point in points]),
        sparse=[document_terms(point.text, point.language) for point in points],
    )


def _finite(vectors: Any) -> NDArray[np.float32]:
    """Convert to float32. Raises VectorStoreError if a value is not finite: the engine would store NaN, and rank by it."""
    try:
        array = np.asarray(vectors, np.float32)
    except (ValueError, TypeError) as error:
        raise invalid("vector", f"Vectors must be numbers and of one length: {error}.") from error
    if not np.isfinite(array).all():
        raise invalid("vector", "A vector has a value that is infinite or not a number.")
    return array


def _components(tenant_id: UUID, query: Query, terms: Sparse) -> Iterator[Component]:
    """Yield the sparse component first, which needs no embedding."""
    limit = max(CANDIDATES, query.limit)
    spec, corpus = tenant_filter(tenant_id, query.filter), tenant_filter(tenant_id)
    component = partial(Component, filter=spec, corpus=corpus, limit=limit)
    if query.vector is None and query.mode is not Mode.SPARSE:
        raise invalid("query", f"A {query.mode} search needs the query's vector.")
    if query.mode is not Mode.DENSE and len(terms.indices):
        yield component(using=SPARSE, vector=terms)
    if query.mode is not Mode.SPARSE:
        vector = query.vector() if callable(query.vector) else query.vector
        yield component(using=DENSE, vector=_finite(vector))
