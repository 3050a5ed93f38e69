"""Passages by the hundred thousand, written in bulk, as the pipeline would leave them; to embed so many would take hours.

A vector is a mixture of two real ones with some noise, and a text is made of real sentences: so the search graph and the
postings have as much to do as with real passages. Left out is what no search reads: files, jobs, embeddings' rows.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import numpy as np

from benchmarks import data
from knowledge.embedding import Vectors, get_embedder
from knowledge.models import Chunk, Document, DocumentStatus
from knowledge.pipeline.ports import collection_name
from knowledge.vectors import Point, get_vector_store
from tenants.scope import tenant_scope

REAL, CHARACTERS, SENTENCES, NOISE = 3_000, 900, 6, 0.02
PER_DOCUMENT, AT_ONCE = 10, 100
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\n")


class Passage(NamedTuple):
    text: str
    vector: Vectors


class Maker:
    """An endless stream of passages, the same ones in every run."""

    def __init__(self) -> None:
        self._random, self._numbers = random.Random(0), np.random.default_rng(0)  # noqa: S311
        texts = self._random.sample(list(_real_texts()), REAL)
        self._vectors = _embedded(texts)
        self._sentences = [one for text in texts for one in SENTENCE.split(text) if 30 < len(one) < 400]

    def passages(self) -> Iterator[Passage]:
        while True:
            for vector in self._mixtures():
                yield Passage(" ".join(self._random.choices(self._sentences, k=SENTENCES)), vector)

    def _mixtures(self) -> Vectors:
        first, second = self._vectors, self._numbers.permutation(self._vectors)
        share = self._numbers.beta(2, 2, (REAL, 1))
        noise = self._numbers.normal(0, NOISE, first.shape)
        mixed = share * first + (1 - share) * second + noise
        unit: Vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
        return unit


def write(tenant_id: UUID, reference_id: UUID, passages: Iterator[Passage], count: int) -> None:
    """The next `count` passages into the reference: rows and points."""
    for start in range(0, count, PER_DOCUMENT * AT_ONCE):
        some = list(islice(passages, min(PER_DOCUMENT * AT_ONCE, count - start)))
        with tenant_scope(tenant_id):
            chunks = _rows(reference_id, some)
        places = [(chunk.document_id, chunk.pk) for chunk in chunks]
        write_points(tenant_id, reference_id, places, some)


def write_points(
    tenant_id: UUID, reference_id: UUID, places: Sequence[tuple[UUID, UUID]], passages: Sequence[Passage]
) -> None:
    """`places` are each passage's document and chunk."""
    points = [
        Point(
            id=chunk_id,
            document_id=document_id,
            reference_id=reference_id,
            generation=1,
            vector=passage.vector.tolist(),
            text=passage.text,
        )
        for (document_id, chunk_id), passage in zip(places, passages, strict=True)
    ]
    get_vector_store().upsert(tenant_id, collection_name(get_embedder().model), points)


def _rows(reference_id: UUID, passages: list[Passage]) -> list[Chunk]:
    documents = [_document(reference_id) for _ in passages[::PER_DOCUMENT]]
    Document.objects.bulk_create(documents)
    return Chunk.objects.bulk_create(
        Chunk(
            document=documents[number // PER_DOCUMENT],
            generation=1,
            position=number % PER_DOCUMENT,
            text=passage.text,
            heading_path=["Chapter", "Section"],
            start=0,
            end=len(passage.text),
            token_count=len(passage.text) // 5,
        )
        for number, passage in enumerate(passages)
    )


def _document(reference_id: UUID) -> Document:
    document = Document(
        reference_id=reference_id,
        size_bytes=1,
        generation=1,
        processed_status=DocumentStatus.DONE,
    )
    document.external_id = document.filename = f"{document.pk}.md"
    return document


def _real_texts() -> Iterator[str]:
    for line in (data.folder("quality") / "scifact-train" / "corpus.jsonl").open():
        yield json.loads(line)["text"][:CHARACTERS]
    for path in sorted(data.folder("scale").rglob("*.*")):
        page = path.read_text()
        yield from (page[start : start + CHARACTERS] for start in range(0, len(page), CHARACTERS))


def _embedded(texts: list[str]) -> Vectors:
    """Kept between runs: it takes a minute."""
    kept = Path(tempfile.gettempdir()) / f"oyl-benchmark-{get_embedder().model}-{REAL}.npy"
    if not kept.exists():
        np.save(kept, get_embedder().embed(UUID(int=0), texts))
    vectors: Vectors = np.load(kept)
    return vectors
