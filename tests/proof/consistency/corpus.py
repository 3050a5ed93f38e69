"""Documents of a tenant, in which inconsistencies can be planted."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from core.isolation.scope import tenant_scope
from engines.vectors import Filter, Point
from knowledge.models import Chunk, Document
from knowledge.services.changing import delete_documents
from tests.knowledge.libraries import BEES, Library, default_ports

WORDS = [
    "bee",
    "river",
    "honey",
    "danube",
    "flower",
    "mountain",
    "letter",
    "market",
    "winter",
    "garden",
    "bread",
    "night",
]
CHUNKS, SENTENCES = 4, 16  # each chunk under its own title, and too long to be merged with the next


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """`long` documents have CHUNKS each; there are as many `short` ones; `purged` has been deleted."""

    library: Library
    long: Sequence[Document]
    short: Sequence[Document]
    purged: Document

    @property
    def tenant_id(self) -> UUID:
        return self.library.tenant_id

    def chunk_ids(self, document: Document) -> list[UUID]:
        with tenant_scope(self.tenant_id):
            return list(
                Chunk.objects.filter(document=document).order_by("position").values_list("pk", flat=True)
            )

    def delete_point(self, point_id: UUID) -> None:
        ports = default_ports()
        ports.store.delete(self.tenant_id, ports.collection, Filter(point_ids=(point_id,)))

    def store_point(self, document: Document, *, collection: str = "", **fields: Any) -> UUID:
        """Store an unexpected point of the document, by default with a new id. Return its id."""
        ports = default_ports()
        values: dict[str, Any] = {
            "id": uuid4(),
            "document_id": document.pk,
            "reference_id": document.reference_id,
            "generation": document.generation,
            "vector": [1.0] + [0.0] * (ports.embedder.dimensions - 1),
            "text": "bees",
            **fields,
        }
        point = Point(**values)
        ports.store.upsert(self.tenant_id, collection or ports.collection, [point])
        return point.id


def make_corpus(library: Library, count: int, rng: random.Random) -> Corpus:
    uploads = [library.upload(f"long/{number}.md", _text(rng)) for number in range(count)]
    uploads += [library.upload(f"short/{number}.md", f"{BEES}{number}") for number in range(count)]
    purged = library.add("purged.md", BEES)
    delete_documents(actor=library.person.actor, document_ids=[purged.pk])
    for start in range(0, len(uploads), 64):
        library.queue(*uploads[start : start + 64])
    library.work()
    documents = library.documents()
    return Corpus(
        library=library,
        long=[documents[f"long/{number}.md"] for number in range(count)],
        short=[documents[f"short/{number}.md"] for number in range(count)],
        purged=purged,
    )


def _text(rng: random.Random) -> str:
    sections = []
    for _ in range(CHUNKS):
        title = rng.choice(WORDS)
        sentences = [" ".join(rng.choices(WORDS, k=7)).capitalize() + "." for _ in range(SENTENCES)]
        sections.append(f"# {title}\n\n{' '.join(sentences)}")
    return "\n\n".join(sections)
