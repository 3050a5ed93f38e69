"""The adapter for a Qdrant server or cluster, which must know conditional upserts and the IDF corpus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from engines.vectors import StoredPoint, VectorStoreError, filters
from engines.vectors.bm25 import Sparse
from engines.vectors.filters import Spec
from engines.vectors.fusion import Ranking
from engines.vectors.qdrant import (
    BREADTH,
    DENSE,
    EFFORT,
    LINKS,
    SPARSE,
    Component,
    QdrantStore,
    Rows,
    stored_point,
)

TIMEOUT = 30


class QdrantServerStore(QdrantStore):
    """Thread-safe, as its client is. `client` is for those who have one already."""

    def __init__(self, url: str = "", api_key: str = "", *, client: QdrantClient | None = None) -> None:
        self._client = client or QdrantClient(
            url=url, api_key=api_key or None, timeout=TIMEOUT, check_compatibility=False
        )
        self._known: set[str] = set()

    def _upsert(self, collection: str, rows: Rows, own: Spec) -> None:
        points = [
            models.PointStruct(
                id=id, payload=payload, vector={DENSE: dense.tolist(), SPARSE: _sparse(sparse)}
            )
            for id, payload, dense, sparse in zip(
                rows.ids, rows.payloads, rows.dense, rows.sparse, strict=True
            )
        ]
        with _errors():
            if not self._exists(collection):
                self._create(collection, rows.dense.shape[1])
            self._client.upsert(collection, points, update_filter=_filter(own), wait=True)

    def _set_payload(self, collection: str, changes: list[tuple[Spec, dict[str, Any]]]) -> None:
        operations = [
            models.SetPayloadOperation(set_payload=models.SetPayload(payload=payload, filter=_filter(spec)))
            for spec, payload in changes
        ]
        with _errors():
            if operations and self._exists(collection):
                self._client.batch_update_points(collection, operations, wait=True)

    def _delete(self, collection: str, filter: Spec) -> None:
        with _errors():
            if self._exists(collection):
                self._client.delete(collection, models.FilterSelector(filter=_filter(filter)), wait=True)

    def _query(self, collection: str, components: Iterable[Component]) -> dict[str, Ranking]:
        asked = list(components)
        with _errors():
            if not asked or not self._exists(collection):
                return {}
            answers = self._client.query_batch_points(collection, [_request(one) for one in asked])
        return {
            one.using: [(str(point.id), point.score) for point in answer.points]
            for one, answer in zip(asked, answers, strict=True)
        }

    def _scroll(
        self, collection: str, filter: Spec, after: UUID | None, limit: int, with_vectors: bool
    ) -> list[StoredPoint]:
        with _errors():
            if not self._exists(collection):
                return []
            records, _ = self._client.scroll(
                collection,
                _filter(filter),
                limit=limit + 1,  # the offset itself comes first
                offset=after and str(after),
                with_vectors=[DENSE] if with_vectors else False,
            )
        found = [_stored(record) for record in records]
        return [point for point in found if point.id != after][:limit]

    def _exists(self, collection: str) -> bool:
        """Asked until the answer is yes: nobody takes a collection away."""
        if collection not in self._known and self._client.collection_exists(collection):
            self._known.add(collection)
        return collection in self._known

    def _create(self, collection: str, dimensions: int) -> None:
        try:
            self._client.create_collection(
                collection,
                vectors_config={DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=LINKS, ef_construct=EFFORT),
            )
        except UnexpectedResponse as error:
            if error.status_code != 409:  # another worker was first
                raise
        for field, schema in _indexes().items():
            self._client.create_payload_index(collection, field, schema, wait=True)


def _indexes() -> dict[str, models.UuidIndexParams | models.IntegerIndexParams]:
    other = models.UuidIndexParams(type=models.UuidIndexType.UUID)
    generation = models.IntegerIndexParams(
        type=models.IntegerIndexType.INTEGER, lookup=False, range=True, enable_hnsw=False
    )
    terms = models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, lookup=True, range=False)
    tenant = models.UuidIndexParams(type=models.UuidIndexType.UUID, is_tenant=True)
    return {
        filters.TENANT: tenant,
        filters.GENERATION: generation,
        filters.TERMS: terms,
        **dict.fromkeys(filters.UUID_FIELDS, other),
    }


def _filter(spec: Spec) -> models.Filter:
    return models.Filter.model_validate(spec)


def _sparse(terms: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=terms.indices.tolist(), values=terms.values.tolist())


def _request(component: Component) -> models.QueryRequest:
    vector, params = component.vector, models.SearchParams(hnsw_ef=max(BREADTH, component.limit))
    if isinstance(vector, Sparse):
        params = models.SearchParams(idf=models.IdfCorpusParams(corpus=_filter(component.corpus)))
    return models.QueryRequest(
        query=_sparse(vector) if isinstance(vector, Sparse) else vector.tolist(),
        using=component.using,
        filter=_filter(component.filter),
        params=params,
        limit=component.limit,
        with_payload=False,
    )


def _stored(record: models.Record) -> StoredPoint:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    dense: Any = vectors.get(DENSE)
    return stored_point(str(record.id), record.payload or {}, dense)


@contextmanager
def _errors() -> Iterator[None]:
    """A refusal (4xx) stays a refusal; anything else may be over at the next try."""
    try:
        yield
    except UnexpectedResponse as error:
        status = error.status_code or 500
        retryable = status >= 500 or status in (408, 429)
        code = "vector_store_failed" if retryable else "vector_store_rejected"
        raise VectorStoreError(code, f"Qdrant answered {status}: {error}") from error
    except ApiException as error:
        detail = (
            f"Qdrant does not answer ({error.__class__.__name__}): is QDRANT_URL right, and is it running?"
        )
        raise VectorStoreError("vector_store_unavailable", detail) from error
    except ValueError as error:
        raise VectorStoreError("vector_store_rejected", str(error)) from error
