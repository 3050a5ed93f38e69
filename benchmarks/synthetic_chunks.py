"""Chunks by the hundred thousand, written in bulk, as the pipeline would leave them: embedding so many would take hours.

A vector is a mixture of two real ones with some noise, and a text is made of real sentences: so the search graph and the
postings have as much to do as with real chunks. What no search and no list reads is left out: files, embeddings' rows.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import connections

from benchmarks import data
from core.bulk_sql import insert_instances, insert_rows
from core.isolation.scope import tenant_scope
from engines.embedding import TextRole, Vectors
from engines.vectors import Point
from engines.vectors.shards import REBUILD_POINTS
from knowledge.engine_config import default_embedder, vector_store
from knowledge.ingestion.handler import BATCH_JOBS
from knowledge.models import Chunk, Document, DocumentStatus
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import chunk_id

REAL_TEXTS, CHARACTERS, SENTENCES, NOISE = 3_000, 900, 6, 0.02
CHUNKS_PER_DOCUMENT, BATCH_DOCUMENTS = 15, BATCH_JOBS
ChunkKey = tuple[UUID, UUID]  # ids of the document and the chunk
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\n")


class SyntheticChunk(NamedTuple):
    text: str
    vector: Vectors


class ChunkGenerator:
    """An endless stream of chunks, the same ones in every run."""

    def __init__(self) -> None:
        self._random, self._numbers = random.Random(0), np.random.default_rng(0)  # noqa: S311
        corpus = data.folder("quality") / "scifact-train" / "corpus.jsonl"
        texts = [json.loads(line)["text"][:CHARACTERS] for line in corpus.open()]
        for path in sorted(data.folder("scale").rglob("*.*")):
            page = path.read_text()
            texts += [page[start : start + CHARACTERS] for start in range(0, len(page), CHARACTERS)]
        texts = self._random.sample(texts, REAL_TEXTS)
        embedder = default_embedder()
        # Kept between runs, because it takes a minute.
        cache = Path(tempfile.gettempdir()) / f"oyl-benchmark-{embedder.model}-{REAL_TEXTS}.npy"
        if not cache.exists():
            np.save(cache, embedder.embed(UUID(int=0), texts, TextRole.PASSAGE))
        self._vectors: Vectors = np.load(cache)
        sentences = [sentence for text in texts for sentence in SENTENCE_END.split(text)]
        self._sentences = [sentence for sentence in sentences if 30 < len(sentence) < 400]

    def chunks(self) -> Iterator[SyntheticChunk]:
        while True:
            first, second = self._vectors, self._numbers.permutation(self._vectors)
            share = self._numbers.beta(2, 2, (REAL_TEXTS, 1))
            noise = self._numbers.normal(0, NOISE, first.shape)
            mixed = share * first + (1 - share) * second + noise
            vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
            for vector in vectors:
                yield SyntheticChunk(" ".join(self._random.choices(self._sentences, k=SENTENCES)), vector)


def write_chunks(tenant_id: UUID, reference_id: UUID, chunks: Iterator[SyntheticChunk], count: int) -> None:
    """Write the next `count` chunks into the reference: rows and points."""
    for keys, batch in write_rows(tenant_id, reference_id, chunks, count):
        write_points(tenant_id, reference_id, keys, batch)


def write_rows(
    tenant_id: UUID, reference_id: UUID, chunks: Iterator[SyntheticChunk], count: int
) -> Iterator[tuple[list[ChunkKey], list[SyntheticChunk]]]:
    """Write documents and chunks of the next `count` chunks, in batches of a worker's size. Yield each batch with its
    ids."""
    size = CHUNKS_PER_DOCUMENT * BATCH_DOCUMENTS
    for start in range(0, count, size):
        batch = list(islice(chunks, min(size, count - start)))
        documents, rows = list[Document](), list[dict[str, Any]]()
        with tenant_scope(tenant_id):
            for first in range(0, len(batch), CHUNKS_PER_DOCUMENT):
                texts = [chunk.text for chunk in batch[first : first + CHUNKS_PER_DOCUMENT]]
                document = Document(reference_id=reference_id, text="\n".join(texts), generation=1)
                document.external_id = document.filename = f"{document.pk}.md"
                document.size_bytes = len(document.text)
                document.processed_status = DocumentStatus.DONE
                documents.append(document)
                rows += [_chunk_values(document.pk, position, text) for position, text in enumerate(texts)]
            insert_instances(documents)
            insert_rows(Chunk, rows)
        yield [(row["document_id"], row["id"]) for row in rows], batch


def write_points(
    tenant_id: UUID, reference_id: UUID, keys: Sequence[ChunkKey], chunks: Sequence[SyntheticChunk]
) -> None:
    points = [
        Point(
            id=chunk_id,
            document_id=document_id,
            reference_id=reference_id,
            generation=1,
            vector=chunk.vector.tolist(),
            text=chunk.text,
        )
        for (document_id, chunk_id), chunk in zip(keys, chunks, strict=True)
    ]
    vector_store().upsert(tenant_id, collection_name(default_embedder().model), points)


def wait_for_search_graph(points: int) -> float:
    """Wait until nearly all points are in the search graph, and return the seconds. First do what autovacuum does within a
    minute: until then, PostgreSQL logs each page that a search is the first to read."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    manifest = settings.VECTOR_DIR / collection_name(default_embedder().model) / "current.json"
    started = time.monotonic()
    while points - json.loads(manifest.read_text())["indexed"] >= REBUILD_POINTS:
        time.sleep(0.5)
    return time.monotonic() - started


def _chunk_values(document_id: UUID, position: int, text: str) -> dict[str, Any]:
    return {
        "id": chunk_id(document_id, 1, position),
        "document_id": document_id,
        "generation": 1,
        "language": "en",
        "position": position,
        "text": text,
        "content_sha256": "",
        "heading_path": ["Chapter", "Section"],
        "start": 0,
        "end": len(text),
        "token_count": len(text) // 5,
        "tags_text": [],
    }
