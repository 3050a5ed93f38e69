"""References that change their embedding model, and a worker in the same process that does all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from core.isolation.scope import tenant_scope
from engines.embedding import TextRole, Vectors
from engines.vectors import Filter, StoredPoint
from jobs import worker
from jobs.handlers import handler_of
from jobs.states import JobState
from knowledge.engine_config import vector_store
from knowledge.models import Embedding, IngestionJob, Reembedding, Reference
from knowledge.pipeline.ports import collection_name
from knowledge.reconcile.comparison import reconcile
from knowledge.services.reembedding import Status, status_of
from knowledge.services.references import save_reference
from tests.knowledge.libraries import Library

BUILT_IN, REMOTE = "all-MiniLM-L6-v2-int8", "minilm-behind-http"


def reference_of(library: Library) -> Reference:
    with tenant_scope(library.tenant_id):
        reference: Reference = Reference.objects.get(pk=library.reference.pk)
        return reference


def change(library: Library, **fields: Any) -> int:
    """Save the reference with other fields; return the number of documents queued."""
    reference = reference_of(library)
    for name, value in fields.items():
        setattr(reference, name, value)
    return save_reference(actor=library.person.actor, reference=reference)


def step(library: Library) -> bool:
    """Let a worker do what comes first: ingestion, its background jobs, then the change of the model."""
    return any(worker.work(handler_of(model), library.tenant_id) for model in (IngestionJob, Reembedding))


def work_all(library: Library) -> None:
    while step(library):
        pass


def reembedding(library: Library) -> Reembedding:
    """The newest change."""
    with tenant_scope(library.tenant_id):
        row: Reembedding = Reembedding.objects.order_by("-created_at")[0]
        return row


def status(library: Library) -> Status:
    return status_of(library.tenant_id, library.reference.pk)


def points(library: Library, model: str, *document_ids: UUID) -> list[StoredPoint]:
    collection = collection_name(model)
    of_documents = Filter(document_ids=document_ids, reference_ids=(library.reference.pk,))
    return vector_store().scroll(library.tenant_id, collection, of_documents)


def vectors(library: Library, model: str) -> set[UUID]:
    """The passages that have a vector of the model, by PostgreSQL."""
    with tenant_scope(library.tenant_id):
        rows = Embedding.objects.filter(chunk__document__reference=library.reference.pk, model=model)
        return set(rows.values_list("chunk_id", flat=True))


def end_all_leases(library: Library) -> None:
    with tenant_scope(library.tenant_id):
        for model in (IngestionJob, Reembedding):
            running = model.objects.filter(state=JobState.RUNNING)
            running.update(available_at="2020-01-01T00:00Z")


def assert_agrees(library: Library) -> None:
    report = reconcile(actor=library.person.actor, store=vector_store())
    assert (report.findings, report.problems) == ([], [])


def confused(tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
    """Random vectors, other ones each time: as of a model that mistakes all texts for each other."""
    rows = np.random.default_rng().standard_normal((len(texts), 384)).astype(np.float32)
    vectors: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return vectors
