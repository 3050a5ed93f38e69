"""How near a question is to what each assistant is for and what it knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef

from conversations.routing.values import Candidate
from engines.embedding import Embedder, TextRole, Vectors
from engines.embedding.cosines import cosines_of
from knowledge.models import Chunk, Document, DocumentStatus, KnowledgeBaseReference, Reference
from knowledge.pipeline.embedding import cached_vector

# The sample of an assistant's headings: of so many documents of each reference, from so many passages of each.
DOCUMENTS, PASSAGES, HEADINGS = 12, 24, 48
# A question is about a part of what an assistant knows: so many of its nearest texts count.
NEAREST = 3


def profile_texts(candidates: Sequence[Candidate]) -> dict[UUID, tuple[str, ...]]:
    """What is compared with questions: name and description, the names of references, and a sample of their headings. To
    be called inside a scope."""
    readers = references_by_assistant([one.id for one in candidates])
    named, headings = _references({pk for references in readers.values() for pk in references})
    texts = {}
    for one in candidates:
        references = readers[one.id]
        titles = dict.fromkeys(title for pk in references for title in headings[pk])
        own = f"{one.name}: {one.description}" if one.description else one.name
        texts[one.id] = (own, *(named[pk] for pk in references if pk in named), *[*titles][:HEADINGS])
    return texts


def references_by_assistant(assistants: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The references that each reads, in the order of their ids. To be called inside a scope."""
    linked = KnowledgeBaseReference.objects.filter(
        knowledge_base__assistant__in=assistants, knowledge_base__deleted_at=None
    )
    private = Reference.objects.filter(
        knowledge_base__assistant__in=assistants, knowledge_base__deleted_at=None
    )
    pairs = {
        *linked.values_list("knowledge_base__assistant", "reference"),
        *private.values_list("knowledge_base__assistant", "pk"),
    }
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for assistant, reference in sorted(pairs):
        found[assistant].append(reference)
    return found


def similarities(
    embedder: Embedder, tenant_id: UUID, question: str, texts: Mapping[UUID, tuple[str, ...]]
) -> dict[UUID, float]:
    """From 0, as of texts that have nothing to do with each other, to 1, as of a question and its answer. Raises
    EmbeddingError."""
    asked = np.asarray(cached_vector(embedder, tenant_id, question))
    unrelated, answered = cosines_of(embedder)
    found = {}
    for pk, profile in texts.items():
        nearest = np.sort(profile_vectors(embedder, tenant_id, profile) @ asked)[-NEAREST:]
        found[pk] = float(np.clip((nearest.mean() - unrelated) / (answered - unrelated), 0.0, 1.0))
    return found


@lru_cache(maxsize=1024)
def profile_vectors(embedder: Embedder, tenant_id: UUID, texts: tuple[str, ...]) -> Vectors:
    """One row for each text. The texts are the version: other ones are embedded anew."""
    return embedder.embed(tenant_id, list(texts), TextRole.PASSAGE)


def _references(ids: set[UUID]) -> tuple[dict[UUID, str], dict[UUID, list[str]]]:
    """The name with the description of each, and a sample of its headings."""
    done = Document.objects.filter(reference=OuterRef("pk"), processed_status=DocumentStatus.DONE)
    sample = ArraySubquery(done.values("pk")[:DOCUMENTS])
    rows: list[Any] = [*Reference.objects.filter(pk__in=ids).annotate(sample=sample).order_by("pk")]
    named = {row.pk: f"{row.name}: {row.description}" if row.description else row.name for row in rows}
    documents = [pk for row in rows for pk in row.sample]
    chunks = Chunk.objects.filter(
        document__in=documents, generation=F("document__generation"), position__lt=PASSAGES
    )
    headings: dict[UUID, list[str]] = defaultdict(list)
    found = chunks.order_by("document", "position").values_list("document__reference", "heading_path")
    for reference, path in found:
        headings[reference] += path[-1:]
    return named, headings
