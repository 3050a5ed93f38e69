"""Embedding the chunks of several documents at once; vectors that the store already has are reused."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

import numpy as np

from core.batching import batched
from engines.embedding import Embedder, Vectors
from engines.vectors import Filter
from knowledge.pipeline.hooks import Hooks
from knowledge.pipeline.ports import Ports
from knowledge.pipeline.values import Chunked, Embedded

# Between two batches progress is reported, and a lost lease noticed.
BATCH_SIZE = 256


def embed(documents: Sequence[Chunked], *, tenant_id: UUID, ports: Ports, hooks: Hooks) -> list[Embedded]:
    vectors = _reusable_vectors(documents, tenant_id, ports)
    contents = {
        digest: content
        for one in documents
        for digest, content in zip(one.digests, one.contents, strict=True)
    }
    missing = [digest for digest in contents if digest not in vectors]
    hooks.charge_tokens({one.source.document_id: _tokens_of(one, set(missing)) for one in documents})
    total = sum(len(one.digests) for one in documents)
    for number, digests in enumerate(batched(missing, BATCH_SIZE)):
        hooks.progress("embed", done=total - len(missing) + number * BATCH_SIZE, total=total)
        embedded = ports.embedder.embed(tenant_id, [contents[digest] for digest in digests])
        vectors.update(zip(digests, embedded, strict=True))
    hooks.progress("embed", done=total, total=total)
    empty = np.empty((0, ports.embedder.dimensions), dtype=np.float32)
    return [
        Embedded(
            chunked=one,
            vectors=np.stack([vectors[d] for d in one.digests]) if one.digests else empty,
        )
        for one in documents
    ]


def _tokens_of(document: Chunked, missing: set[str]) -> int:
    """The tokens of the chunks whose text must be embedded."""
    chunks = zip(document.chunks, document.digests, strict=True)
    return sum(chunk.token_count for chunk, digest in chunks if digest in missing)


def _reusable_vectors(documents: Sequence[Chunked], tenant_id: UUID, ports: Ports) -> dict[str, Vectors]:
    """Return the stored vectors, by the digest of the content."""
    digests = {
        one.source.reusable_points[digest]: digest
        for one in documents
        for digest in one.digests
        if digest in one.source.reusable_points
    }
    vectors: dict[str, Vectors] = {}
    for ids in batched(digests, BATCH_SIZE):
        filter = Filter(point_ids=tuple(ids))
        points = ports.store.scroll(tenant_id, ports.collection, filter, limit=BATCH_SIZE, with_vectors=True)
        for point in points:
            vectors[digests[point.id]] = np.asarray(point.vector, dtype=np.float32)
    return vectors


@lru_cache(maxsize=4096)
def cached_vector(embedder: Embedder, tenant_id: UUID, text: str) -> Sequence[float]:
    """Return the vector of a text that is needed again and again, such as a query."""
    vector: Sequence[float] = embedder.embed(tenant_id, [text])[0]
    return vector
