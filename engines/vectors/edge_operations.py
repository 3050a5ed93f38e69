"""The six operations as calls of Qdrant Edge. These hold Python's interpreter lock, so they must be short."""

from __future__ import annotations

from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge

from engines.vectors import filters
from engines.vectors.filters import Spec
from engines.vectors.fusion import DENSE, SPARSE
from engines.vectors.qdrant import HNSW_EF, HNSW_EF_CONSTRUCT, HNSW_M
from engines.vectors.wire import Array, Message

# Up to this many kilobytes of vectors are compared one by one, which is faster than a graph.
_FULL_SCAN_KB = 10_000


def create(folder: Path, dimensions: int) -> edge.EdgeShard:
    config = edge.EdgeConfig(
        vectors={DENSE: edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Cosine)},
        sparse_vectors={SPARSE: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        hnsw_config=edge.HnswIndexConfig(
            m=0, payload_m=HNSW_M, ef_construct=HNSW_EF_CONSTRUCT, full_scan_threshold=_FULL_SCAN_KB
        ),
    )
    shard = edge.EdgeShard.create(str(folder), config)
    generation = edge.IntegerIndexParams(lookup=False, range=True, enable_hnsw=False)
    terms = edge.IntegerIndexParams(lookup=True, range=False)
    tenant = edge.UuidIndexParams(is_tenant=True)
    indexes: dict[str, edge.UuidIndexParams | edge.IntegerIndexParams] = {
        filters.TENANT: tenant,
        filters.GENERATION: generation,
        filters.TERMS: terms,
        **dict.fromkeys(filters.UUID_FIELDS, edge.UuidIndexParams()),
    }
    for field, schema in indexes.items():
        shard.update(edge.UpdateOperation.create_field_index(field, schema))
    shard.flush()
    return shard


def upsert(message: Message) -> edge.UpdateOperation:
    header, (dense, lengths, indices, values) = message
    ids = header["ids"]
    vectors: list[Any] = [row.data for row in dense.reshape(len(ids), -1)]  # lists take three times as long
    payloads = chain.from_iterable(map(repeat, header["payloads"], header["repeats"]))
    ends = np.cumsum(lengths)
    points = [
        edge.Point(id, {DENSE: vector, SPARSE: _sparse(indices[start:end], values[start:end])}, payload)
        for id, payload, vector, start, end in zip(ids, payloads, vectors, ends - lengths, ends, strict=True)
    ]
    return edge.UpdateOperation.upsert_points(points, condition=_filter(header["own"]))


def set_payload(filter: Spec, payload: dict[str, Any]) -> edge.UpdateOperation:
    return edge.UpdateOperation.set_payload_by_filter(_filter(filter), payload)


def delete(filter: Spec) -> edge.UpdateOperation:
    return edge.UpdateOperation.delete_points_by_filter(_filter(filter))


def query(shard: edge.EdgeShard, message: Message) -> list[tuple[str, float]]:
    header, (indices, values) = message
    sparse = header["using"] == SPARSE
    vector = _sparse(indices, values) if sparse else values.tolist()
    idf = edge.IdfParams(corpus=_filter(header["corpus"])) if sparse else None
    request = edge.QueryRequest(
        query=edge.Query.Nearest(vector, header["using"]),
        filter=_filter(header["filter"]),
        params=edge.SearchParams(idf=idf, hnsw_ef=max(HNSW_EF, header["limit"])),
        limit=header["limit"],
    )
    return [(str(point.id), point.score) for point in shard.query(request)]


def count(shard: edge.EdgeShard, filter: Spec) -> int:
    return shard.count(edge.CountRequest(exact=False, filter=_filter(filter)))


def scroll(
    shard: edge.EdgeShard, header: dict[str, Any]
) -> tuple[list[tuple[str, dict[str, Any]]], list[Array]]:
    request = edge.ScrollRequest(
        offset=header["after"],
        limit=header["limit"] + 1,  # the offset itself comes first
        filter=_filter(header["filter"]),
        with_payload=True,
        with_vector=[DENSE] if header["with_vectors"] else False,
    )
    records: list[Any] = [record for record in shard.scroll(request)[0] if str(record.id) != header["after"]]
    records = records[: header["limit"]]
    vectors = (
        [np.array([record.vector[DENSE] for record in records], np.float32)] if header["with_vectors"] else []
    )
    return [(str(record.id), record.payload) for record in records], vectors


def _sparse(indices: Array, values: Array) -> edge.SparseVector:
    return edge.SparseVector(indices.tolist(), values.tolist())


def _filter(spec: Spec) -> edge.Filter:
    clauses: dict[str, Any] = {
        clause: [_condition(condition) for condition in conditions] for clause, conditions in spec.items()
    }
    return edge.Filter(**clauses)


def _condition(spec: Spec) -> edge.FieldCondition | edge.HasIdCondition | edge.Filter:
    match spec:
        case {"must": _} | {"should": _} | {"must_not": _}:
            return _filter(spec)
        case {"has_id": ids}:
            return edge.HasIdCondition(set(ids))
        case {"key": key, "match": {"value": value}}:
            return edge.FieldCondition(key, match=edge.MatchValue(value))
        case {"key": key, "match": {"any": values}}:
            return edge.FieldCondition(key, match=edge.MatchAny(values))
        case {"key": key, "range": bounds}:
            return edge.FieldCondition(key, range=edge.RangeFloat(**bounds))
    raise ValueError(f"This is no condition: {spec!r}")
