"""Embedding the chunks of several documents at once; vectors that the store already has are reused."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from uuid import UUID

import numpy as np

from core.batching import batched
from engines.embedding import Embedder, TextRole, Vectors
from engines.vectors import Filter
from knowledge.pipeline.hooks import Hooks
from knowledge.pipeline.ports import Ports
from knowledge.pipeline.values import Chunked, Embedded

# Between two batches progress is reported, and a lost lease noticed.
BATCH_SIZE = 256


def embed(documents: Sequence[Chunked], *, tenant_id: UUID, ports: Ports, hooks: Hooks) -> list[Embedded]:
    """Documents that are not wanted any more are left out."""
    vectors = _reusable_vectors(documents, tenant_id, ports)
    hooks.charge_tokens({one.source.document_id: _tokens_of(one, vectors) for one in documents})
    total = sum(len(one.digests) for one in documents)
    for batch in batched(_missing(documents, [*vectors], hooks), BATCH_SIZE):
        hooks.progress("embed", done=len(vectors), total=total)
        embedded = ports.embedder.embed(tenant_id, [content for _, content in batch], TextRole.PASSAGE)
        vectors.update(zip([digest for digest, _ in batch], embedded, strict=True))
    hooks.progress("embed", done=total, total=total)
    empty = np.empty((0, ports.embedder.dimensions), dtype=np.float32)
    return [
        Embedded(
            chunked=one,
            vectors=np.stack([vectors[d] for d in one.digests]) if one.digests else empty,
        )
        for one in documents
        if vectors.keys() >= set(one.digests)
    ]


def _tokens_of(document: Chunked, vectors: Collection[str]) -> int:
    """The tokens of the chunks whose text must be embedded."""
    chunks = zip(document.chunks, document.digests, strict=True)
    return sum(chunk.token_count for chunk, digest in chunks if digest not in vectors)


def _missing(documents: Sequence[Chunked], known: Iterable[str], hooks: Hooks) -> Iterator[tuple[str, str]]:
    """The digest and the content of each chunk without a vector, once, of those documents that are wanted at this moment."""
    seen = set(known)
    for one in documents:
        for digest, content in zip(one.digests, one.contents, strict=True):
            if digest not in seen and hooks.is_wanted(one.source.document_id):
                seen.add(digest)
                yield digest, content


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
    """Return the vector of a question, which is often asked again."""
    vector: Sequence[float] = embedder.embed(tenant_id, [text], TextRole.QUESTION)[0]
    return vector
