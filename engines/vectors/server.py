"""The adapter for a Qdrant server or cluster, which must support conditional upserts and the IDF corpus."""

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
from engines.vectors.fusion import DENSE, SPARSE, Ranking
from engines.vectors.qdrant import (
    HNSW_EF,
    HNSW_EF_CONSTRUCT,
    HNSW_M,
    Component,
    QdrantStore,
    Rows,
    stored_point,
)

TIMEOUT_SECONDS = 30


class QdrantServerStore(QdrantStore):
    """Thread-safe, as its client is. `client` takes the place of `url` and `api_key`."""

    def __init__(self, url: str = "", api_key: str = "", *, client: QdrantClient | None = None) -> None:
        self._client = client or QdrantClient(
            url=url, api_key=api_key or None, timeout=TIMEOUT_SECONDS, check_compatibility=False
        )
        self._existing: set[str] = set()

    def _upsert(self, collection: str, rows: Rows, own: Spec) -> None:
        points = [
            models.PointStruct(
                id=id, payload=payload, vector={DENSE: dense.tolist(), SPARSE: _sparse(sparse)}
            )
            for id, payload, dense, sparse in zip(
                rows.ids, rows.payloads, rows.dense, rows.sparse, strict=True
            )
        ]
        with _vector_store_errors():
            if not self._exists(collection):
                self._create(collection, rows.dense.shape[1])
            self._client.upsert(collection, points, update_filter=_filter(own), wait=True)

    def _set_payload(self, collection: str, changes: list[tuple[Spec, dict[str, Any]]]) -> None:
        operations = [
            models.SetPayloadOperation(set_payload=models.SetPayload(payload=payload, filter=_filter(spec)))
            for spec, payload in changes
        ]
        with _vector_store_errors():
            if operations and self._exists(collection):
                self._client.batch_update_points(collection, operations, wait=True)

    def _delete(self, collection: str, filter: Spec) -> None:
        with _vector_store_errors():
            if self._exists(collection):
                self._client.delete(collection, models.FilterSelector(filter=_filter(filter)), wait=True)

    def _query(self, collection: str, components: Iterable[Component]) -> dict[str, Ranking]:
        queries, requests = list(components), []
        with _vector_store_errors():
            if not queries or not self._exists(collection):
                return {}
            for query in queries:
                vector, params = query.vector, models.SearchParams(hnsw_ef=max(HNSW_EF, query.limit))
                if isinstance(vector, Sparse):
                    params = models.SearchParams(idf=models.IdfCorpusParams(corpus=_filter(query.corpus)))
                request = models.QueryRequest(
                    query=_sparse(vector) if isinstance(vector, Sparse) else vector.tolist(),
                    using=query.using,
                    filter=_filter(query.filter),
                    params=params,
                    limit=query.limit,
                    with_payload=False,
                )
                requests.append(request)
            responses = self._client.query_batch_points(collection, requests)
        return {
            query.using: [(str(point.id), point.score) for point in response.points]
            for query, response in zip(queries, responses, strict=True)
        }

    def _count(self, collection: str, filter: Spec) -> int:
        with _vector_store_errors():
            if not self._exists(collection):
                return 0
            return self._client.count(collection, _filter(filter), exact=False).count

    def _scroll(
        self, collection: str, filter: Spec, after: UUID | None, limit: int, with_vectors: bool
    ) -> list[StoredPoint]:
        with _vector_store_errors():
            if not self._exists(collection):
                return []
            records, _ = self._client.scroll(
                collection,
                _filter(filter),
                limit=limit + 1,  # the offset itself comes first
                offset=after and str(after),
                with_vectors=[DENSE] if with_vectors else False,
            )
        points = []
        for record in records:
            vectors: dict[str, Any] = record.vector if isinstance(record.vector, dict) else {}
            points.append(stored_point(str(record.id), record.payload or {}, vectors.get(DENSE)))
        return [point for point in points if point.id != after][:limit]

    def _exists(self, collection: str) -> bool:
        """Collections that exist are cached, because they are never deleted."""
        if collection not in self._existing and self._client.collection_exists(collection):
            self._existing.add(collection)
        return collection in self._existing

    def _create(self, collection: str, dimensions: int) -> None:
        """Create the collection and its payload indexes, also when another process is doing so."""
        try:
            self._client.create_collection(
                collection,
                vectors_config={DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=HNSW_M, ef_construct=HNSW_EF_CONSTRUCT),
            )
        except UnexpectedResponse as error:
            if error.status_code != 409:  # another worker was first
                raise
        uuid, integer = models.UuidIndexType.UUID, models.IntegerIndexType.INTEGER
        indexes: dict[str, models.UuidIndexParams | models.IntegerIndexParams] = {
            filters.TENANT: models.UuidIndexParams(type=uuid, is_tenant=True),
            filters.GENERATION: models.IntegerIndexParams(
                type=integer, lookup=False, range=True, enable_hnsw=False
            ),
            filters.TERMS: models.IntegerIndexParams(type=integer, lookup=True, range=False),
            **dict.fromkeys(filters.UUID_FIELDS, models.UuidIndexParams(type=uuid)),
        }
        for field, schema in indexes.items():
            self._client.create_payload_index(collection, field, schema, wait=True)


def _filter(spec: Spec) -> models.Filter:
    return models.Filter.model_validate(spec)


def _sparse(terms: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=terms.indices.tolist(), values=terms.values.tolist())


@contextmanager
def _vector_store_errors() -> Iterator[None]:
    """A refusal (4xx) is final, anything else is retryable."""
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
