"""Passages by the hundred thousand, written in bulk, as the pipeline would leave them; to embed so many would take hours.

A vector is a mixture of two real ones with some noise, and a text is made of real sentences: so the search graph and the
postings have as much to do as with real passages. Left out is what no search and no list reads: files, embeddings' rows.
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
from engines.embedding import Vectors
from engines.vectors import Point
from engines.vectors.shards import REBUILD_POINTS
from knowledge.engine_config import default_embedder, vector_store
from knowledge.ingestion.handler import BATCH_JOBS
from knowledge.models import Chunk, Document, DocumentStatus
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import chunk_id

REAL, CHARACTERS, SENTENCES, NOISE = 3_000, 900, 6, 0.02
PER_DOCUMENT, AT_ONCE = 15, BATCH_JOBS
Place = tuple[UUID, UUID]  # document and chunk
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\n")


class SyntheticChunk(NamedTuple):
    text: str
    vector: Vectors


class Maker:
    """An endless stream of passages, the same ones in every run."""

    def __init__(self) -> None:
        self._random, self._numbers = random.Random(0), np.random.default_rng(0)  # noqa: S311
        texts = self._random.sample(list(_real_texts()), REAL)
        self._vectors = _embedded(texts)
        self._sentences = [one for text in texts for one in SENTENCE.split(text) if 30 < len(one) < 400]

    def passages(self) -> Iterator[SyntheticChunk]:
        while True:
            for vector in self._mixtures():
                yield SyntheticChunk(" ".join(self._random.choices(self._sentences, k=SENTENCES)), vector)

    def _mixtures(self) -> Vectors:
        first, second = self._vectors, self._numbers.permutation(self._vectors)
        share = self._numbers.beta(2, 2, (REAL, 1))
        noise = self._numbers.normal(0, NOISE, first.shape)
        mixed = share * first + (1 - share) * second + noise
        unit: Vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
        return unit


def write(tenant_id: UUID, reference_id: UUID, passages: Iterator[SyntheticChunk], count: int) -> None:
    """The next `count` passages into the reference: rows and points."""
    for places, some in write_rows(tenant_id, reference_id, passages, count):
        write_points(tenant_id, reference_id, places, some)


def write_rows(
    tenant_id: UUID, reference_id: UUID, passages: Iterator[SyntheticChunk], count: int
) -> Iterator[tuple[list[Place], list[SyntheticChunk]]]:
    """Documents and chunks of the next `count` passages; as many at once as a worker would write."""
    for start in range(0, count, PER_DOCUMENT * AT_ONCE):
        some = list(islice(passages, min(PER_DOCUMENT * AT_ONCE, count - start)))
        with tenant_scope(tenant_id):
            places = _write_rows(reference_id, some)
        yield places, some


def write_points(
    tenant_id: UUID, reference_id: UUID, places: Sequence[Place], passages: Sequence[SyntheticChunk]
) -> None:
    points = [
        Point(
            id=chunk,
            document_id=document,
            reference_id=reference_id,
            generation=1,
            vector=passage.vector.tolist(),
            text=passage.text,
        )
        for (document, chunk), passage in zip(places, passages, strict=True)
    ]
    vector_store().upsert(tenant_id, collection_name(default_embedder().model), points)


def settle(points: int) -> float:
    """Wait until hardly any of all points is without a search graph, and do what autovacuum does within a minute, before
    which PostgreSQL logs each page that a search is the first to read. The seconds that the graph took."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    manifest = settings.VECTOR_DIR / collection_name(default_embedder().model) / "current.json"
    started = time.monotonic()
    while points - json.loads(manifest.read_text())["indexed"] >= REBUILD_POINTS:
        time.sleep(0.5)
    return time.monotonic() - started


def _write_rows(reference_id: UUID, passages: list[SyntheticChunk]) -> list[Place]:
    starts = range(0, len(passages), PER_DOCUMENT)
    documents = [_document(reference_id, passages[start : start + PER_DOCUMENT]) for start in starts]
    insert_instances(documents)
    chunks = [
        _chunk(documents[number // PER_DOCUMENT], number % PER_DOCUMENT, passage.text)
        for number, passage in enumerate(passages)
    ]
    insert_rows(Chunk, chunks)
    return [(chunk["document_id"], chunk["id"]) for chunk in chunks]


def _document(reference_id: UUID, passages: list[SyntheticChunk]) -> Document:
    document = Document(
        reference_id=reference_id,
        text="\n".join(passage.text for passage in passages),
        generation=1,
        processed_status=DocumentStatus.DONE,
    )
    document.external_id = document.filename = f"{document.pk}.md"
    document.size_bytes = len(document.text)
    return document


def _chunk(document: Document, position: int, text: str) -> dict[str, Any]:
    return {
        "id": chunk_id(document.pk, 1, position),
        "document_id": document.pk,
        "generation": 1,
        "position": position,
        "text": text,
        "content_sha256": "",
        "heading_path": ["Chapter", "Section"],
        "start": 0,
        "end": len(text),
        "token_count": len(text) // 5,
        "tags_text": [],
    }


def _real_texts() -> Iterator[str]:
    for line in (data.folder("quality") / "scifact-train" / "corpus.jsonl").open():
        yield json.loads(line)["text"][:CHARACTERS]
    for path in sorted(data.folder("scale").rglob("*.*")):
        page = path.read_text()
        yield from (page[start : start + CHARACTERS] for start in range(0, len(page), CHARACTERS))


def _embedded(texts: list[str]) -> Vectors:
    """Kept between runs: it takes a minute."""
    kept = Path(tempfile.gettempdir()) / f"oyl-benchmark-{default_embedder().model}-{REAL}.npy"
    if not kept.exists():
        np.save(kept, default_embedder().embed(UUID(int=0), texts))
    vectors: Vectors = np.load(kept)
    return vectors
