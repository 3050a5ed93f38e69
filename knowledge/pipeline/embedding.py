"""Vectors for the passages of several documents at once; what was embedded before is taken from the store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

import numpy as np

from core.batching import batched
from core.progress import Progress
from engines.embedding import Embedder, Vectors
from engines.vectors import Filter, VectorStore
from knowledge.pipeline.values import Chunked, Embedded

# Progress is reported, and a lost lease noticed, between two slices.
SLICE = 256


def embed(
    batch: Sequence[Chunked],
    *,
    tenant_id: UUID,
    embedder: Embedder,
    store: VectorStore,
    collection: str,
    progress: Progress,
) -> list[Embedded]:
    vectors = _known(batch, tenant_id, store, collection)
    contents = {
        digest: content for one in batch for digest, content in zip(one.digests, one.contents, strict=True)
    }
    missing = [digest for digest in contents if digest not in vectors]
    total = sum(len(one.digests) for one in batch)
    for number, some in enumerate(batched(missing, SLICE)):
        progress("embed", done=total - len(missing) + number * SLICE, total=total)
        rows = embedder.embed(tenant_id, [contents[digest] for digest in some])
        vectors.update(zip(some, rows, strict=True))
    progress("embed", done=total, total=total)
    empty = np.empty((0, embedder.dimensions), dtype=np.float32)
    return [
        Embedded(chunked=one, vectors=np.stack([vectors[d] for d in one.digests]) if one.digests else empty)
        for one in batch
    ]


def _known(
    batch: Sequence[Chunked], tenant_id: UUID, store: VectorStore, collection: str
) -> dict[str, Vectors]:
    points = {
        one.source.known[digest]: digest
        for one in batch
        for digest in one.digests
        if digest in one.source.known
    }
    found: dict[str, Vectors] = {}
    for ids in batched(points, SLICE):
        wanted = Filter(point_ids=tuple(ids))
        for stored in store.scroll(tenant_id, collection, wanted, limit=SLICE, with_vectors=True):
            found[points[stored.id]] = np.asarray(stored.vector, dtype=np.float32)
    return found


@lru_cache(maxsize=4096)
def _tag_vector(embedder: Embedder, tenant_id: UUID, text: str) -> Vectors:
    vector: Vectors = embedder.embed(tenant_id, [text])[0]
    return vector


def embed_tags(embedder: Embedder, tenant_id: UUID, texts: Sequence[str]) -> Vectors:
    """The vocabulary's words; they are few and come again with every document."""
    return np.stack([_tag_vector(embedder, tenant_id, text) for text in texts])
