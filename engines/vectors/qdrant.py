"""What both adapters have in common, which is nearly all of it: isolation, payload, terms and fusion. An
adapter only carries five plain operations to its engine, each with a filter that was made here.

A point id that belongs to another tenant is not overwritten: an upsert replaces a stored point only where the
tenant's own filter matches it, and passes over the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, repeat
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from engines.vectors import Filter, Hit, Mode, Point, Query, StoredPoint
from engines.vectors.bm25 import Sparse, document_terms, query_terms
from engines.vectors.filters import (
    Spec,
    checked_name,
    invalid,
    metadata_numbers,
    metadata_terms,
    tenant_filter,
)
from engines.vectors.fusion import Ranking, fused, single

DENSE, SPARSE = "dense", "sparse"
BATCH = 500
# How deep each component is read: tuned, see docs/decisions.
CANDIDATES = 100
# Links per point in a search graph, the effort to choose them, and the least breadth of a walk. Each large tenant,
# reference and tag has a graph, so that filtered searches find what they should; there is none over all tenants.
LINKS, EFFORT, BREADTH = 16, 100, 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Points as an engine takes them: row i of each."""

    ids: list[str]
    payloads: list[dict[str, Any]]
    dense: NDArray[np.float32]
    sparse: list[Sparse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One ranking to ask an engine for. `corpus` selects the points over which IDF is counted."""

    using: str
    vector: NDArray[np.float32] | Sparse
    filter: Spec
    corpus: Spec
    limit: int


class QdrantStore(ABC):
    """The `VectorStore` protocol over five operations of an engine, all of which raise VectorStoreError and
    take an absent collection for an empty one."""

    def upsert(self, tenant_id: UUID, collection: str, points: Sequence[Point]) -> None:
        name, own = checked_name(collection), tenant_filter(tenant_id)
        for start in range(0, len(points), BATCH):
            self._upsert(name, rows_of(tenant_id, points[start : start + BATCH]), own)

    def set_tags(self, tenant_id: UUID, collection: str, tags: dict[UUID, tuple[UUID, ...]]) -> None:
        points_of: defaultdict[tuple[UUID, ...], list[UUID]] = defaultdict(list)
        for point_id, tag_ids in tags.items():
            points_of[tag_ids].append(point_id)
        changes = [
            (
                tenant_filter(tenant_id, Filter(point_ids=tuple(points))),
                {"tag_ids": [str(tag) for tag in tag_ids]},
            )
            for tag_ids, points in points_of.items()
        ]
        self._set_payload(checked_name(collection), changes)

    def delete(self, tenant_id: UUID, collection: str, filter: Filter) -> None:
        name = checked_name(collection)
        if not (filter.document_ids or filter.point_ids):
            raise ValueError("Name the documents or the points to delete.")
        self._delete(name, tenant_filter(tenant_id, filter))

    def search(self, tenant_id: UUID, collection: str, query: Query) -> list[Hit]:
        name = checked_name(collection)
        found = self._query(name, _components(tenant_id, query)) if query.limit > 0 else {}
        return fused(found, query.limit) if query.mode is Mode.HYBRID else single(found)

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
        name, spec, found = checked_name(collection), tenant_filter(tenant_id, filter), list[StoredPoint]()
        while len(found) < limit:
            size = min(BATCH, limit - len(found))
            page = self._scroll(name, spec, after, size, with_vectors)
            found += page
            if len(page) < size:
                break
            after = page[-1].id
        return found

    @abstractmethod
    def _upsert(self, collection: str, rows: Rows, own: Spec) -> None:
        """Write the points whose id is new, or is stored in a point that matches `own`; creates the
        collection."""

    @abstractmethod
    def _set_payload(self, collection: str, changes: list[tuple[Spec, dict[str, Any]]]) -> None:
        """For each change set the given fields of the points that match."""

    @abstractmethod
    def _delete(self, collection: str, filter: Spec) -> None: ...

    @abstractmethod
    def _query(self, collection: str, components: Iterable[Component]) -> dict[str, Ranking]:
        """By what each component uses. To go on to the next one may take its time."""

    @abstractmethod
    def _scroll(
        self, collection: str, filter: Spec, after: UUID | None, limit: int, with_vectors: bool
    ) -> list[StoredPoint]: ...


def stored_point(id: str, payload: dict[str, Any], vector: Sequence[float] | None) -> StoredPoint:
    return StoredPoint(
        id=UUID(id),
        document_id=UUID(payload["document_id"]),
        reference_id=UUID(payload["reference_id"]),
        generation=payload["generation"],
        tag_ids=tuple(UUID(tag) for tag in payload["tag_ids"]),
        vector=None if vector is None else tuple(vector),
    )


def rows_of(tenant_id: UUID, points: Sequence[Point]) -> Rows:
    """Raises VectorStoreError when a vector or metadata cannot be stored."""
    return Rows(
        ids=[str(point.id) for point in points],
        payloads=list(_payloads(tenant_id, points)),
        dense=_finite([point.vector for point in points]),
        sparse=[document_terms(point.text) for point in points],
    )


def _payloads(tenant_id: UUID, points: Sequence[Point]) -> Iterator[dict[str, Any]]:
    """Neighbours of which the same is said, as of a document's passages, share one."""
    for _, neighbours in groupby(points, key=_said_of):
        some = list(neighbours)
        yield from repeat(_payload(tenant_id, some[0]), len(some))


def _said_of(point: Point) -> tuple[object, ...]:
    return id(point.metadata), point.reference_id, point.document_id, point.generation, point.tag_ids


def _payload(tenant_id: UUID, point: Point) -> dict[str, Any]:
    return {
        "tenant_id": str(tenant_id),
        "reference_id": str(point.reference_id),
        "document_id": str(point.document_id),
        "generation": point.generation,
        "tag_ids": [str(tag) for tag in point.tag_ids],
        "metadata": metadata_numbers(point.metadata),
        "terms": metadata_terms(point.metadata),
    }


def _finite(vectors: Any) -> NDArray[np.float32]:
    """As float32. The engine would take a vector with NaN in it and then rank by it."""
    try:
        array = np.asarray(vectors, np.float32)
    except (ValueError, TypeError) as error:
        raise invalid("vector", f"Vectors must be numbers and of one length: {error}.") from error
    if not np.isfinite(array).all():
        raise invalid("vector", "A vector has a value that is infinite or not a number.")
    return array


def _components(tenant_id: UUID, query: Query) -> Iterator[Component]:
    """The words come first: they need no embedding."""
    limit = max(CANDIDATES, query.limit) if query.mode is Mode.HYBRID else query.limit
    spec, corpus = tenant_filter(tenant_id, query.filter), tenant_filter(tenant_id)
    component = partial(Component, filter=spec, corpus=corpus, limit=limit)
    if query.vector is None and query.mode is not Mode.SPARSE:
        raise invalid("query", f"A {query.mode} search needs the query's vector.")
    if query.mode is not Mode.DENSE and len((terms := query_terms(query.text)).indices):
        yield component(using=SPARSE, vector=terms)
    if query.mode is not Mode.SPARSE:
        vector = query.vector() if callable(query.vector) else query.vector
        yield component(using=DENSE, vector=_finite(vector))
