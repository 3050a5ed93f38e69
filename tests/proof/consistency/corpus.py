"""Two tenants' documents, in which things can be put out of order."""

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
PASSAGES, SENTENCES = 4, 16  # each under a title of its own, and long enough not to be joined with the next


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """`long` have PASSAGES each; `short` are as many; `purged` is gone."""

    shelf: Library
    long: Sequence[Document]
    short: Sequence[Document]
    purged: Document

    @property
    def tenant_id(self) -> UUID:
        return self.shelf.tenant_id

    def passages(self, document: Document) -> list[UUID]:
        with tenant_scope(self.tenant_id):
            return list(
                Chunk.objects.filter(document=document).order_by("position").values_list("pk", flat=True)
            )

    def forget(self, point_id: UUID) -> None:
        ports = default_ports()
        ports.store.delete(self.tenant_id, ports.collection, Filter(point_ids=(point_id,)))

    def put(self, document: Document, *, collection: str = "", **facts: Any) -> UUID:
        """Store a point of the document that nobody expects; `facts` are what else it says."""
        ports = default_ports()
        said: dict[str, Any] = {
            "id": uuid4(),
            "document_id": document.pk,
            "reference_id": document.reference_id,
            "generation": document.generation,
            "vector": [1.0] + [0.0] * (ports.embedder.dimensions - 1),
            "text": "bees",
            **facts,
        }
        ports.store.upsert(self.tenant_id, collection or ports.collection, [Point(**said)])
        point_id: UUID = said["id"]
        return point_id


def make_corpus(library: Library, count: int, chance: random.Random) -> Corpus:
    uploads = [library.upload(f"long/{number}.md", _text(chance)) for number in range(count)]
    uploads += [library.upload(f"short/{number}.md", f"{BEES}{number}") for number in range(count)]
    purged = library.add("purged.md", BEES)
    delete_documents(actor=library.person.actor, document_ids=[purged.pk])
    for start in range(0, len(uploads), 64):
        library.queue(*uploads[start : start + 64])
    library.work()
    documents = library.documents()
    return Corpus(
        shelf=library,
        long=[documents[f"long/{number}.md"] for number in range(count)],
        short=[documents[f"short/{number}.md"] for number in range(count)],
        purged=purged,
    )


def _text(chance: random.Random) -> str:
    return "\n\n".join(f"# {chance.choice(WORDS)}\n\n{_section(chance)}" for _ in range(PASSAGES))


def _section(chance: random.Random) -> str:
    return " ".join(" ".join(chance.choices(WORDS, k=7)).capitalize() + "." for _ in range(SENTENCES))
