"""Which embedding models the passages of references have vectors of. All functions are called inside a scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from core.bulk_sql import insert_instances
from core.querysets import TenantQuerySet
from jobs.querysets import JobQuerySet
from jobs.queue import notify_workers
from jobs.states import JobState
from knowledge.engine_config import default_model, model_for, own_model_name
from knowledge.models import (
    Chunk,
    Document,
    Embedding,
    IngestionJob,
    JobKind,
    KnowledgeBase,
    Reembedding,
    ReembeddingStage,
    Reference,
)
from knowledge.pipeline.ports import collection_name
from knowledge.queueing import QUEUE

# So long after the switch it can be rolled back.
KEPT = timedelta(days=7)


def share_models(reference_ids: Iterable[UUID]) -> None:
    """Take a shared lock: the model of these references is not switched before this transaction ends. To be called before
    any row is locked."""
    for pk in sorted(reference_ids):
        _advisory("pg_advisory_xact_lock_shared", pk)


def lock_model(reference_id: UUID) -> None:
    """Take an exclusive lock: no other transaction switches the reference's model or publishes its documents. To be called
    before any row is locked: the reference's row, which is locked here, comes before its reembedding's."""
    _advisory("pg_advisory_xact_lock", reference_id)
    rows = Reference.with_deleted.filter(pk=reference_id)
    list(rows.select_for_update(no_key=True).values_list("pk"))


def has_passages(reference_id: UUID) -> bool:
    """Or may have some in a moment. If not, no other transaction publishes any before this one ends."""
    chunks = Chunk.objects.filter(document__reference=reference_id, document__deleted_at=None)
    return not _advisory("pg_try_advisory_xact_lock", reference_id) or chunks.exists()


def _advisory(function: str, reference_id: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {function}(hashtextextended(%s, 0))",
            [f"reference.model:{reference_id}"],
        )
        return bool(cursor.fetchone()[0])


def answering_model(reembedding: Reembedding) -> str:
    return str(reembedding.to_model if reembedding.switched_at else reembedding.from_model)


def other_model(reembedding: Reembedding) -> str:
    """The model whose vectors are made, kept or removed."""
    return str(reembedding.from_model if reembedding.switched_at else reembedding.to_model)


def answering_models(reference_ids: Iterable[UUID]) -> dict[UUID, str]:
    """By reference, the model that questions are embedded with."""
    rows = Reference.objects.filter(pk__in=reference_ids).only("pk", "embedding_model")
    return {row.pk: model_for(row) for row in rows}


def second_models(reference_ids: Iterable[UUID] | None = None) -> dict[UUID, str]:
    """By reference, the model of which its passages have or get vectors, besides the one that answers."""
    rows = Reembedding.objects.unfinished().exclude(stage=ReembeddingStage.REMOVE)
    if reference_ids is not None:
        rows = rows.filter(reference__in=reference_ids)
    return {row.reference_id: other_model(row) for row in rows}


def removed_models() -> dict[UUID, str]:
    """By reference, the model whose vectors are being removed."""
    rows = Reembedding.objects.unfinished().filter(stage=ReembeddingStage.REMOVE)
    return {row.reference_id: other_model(row) for row in rows}


def set_answering_model(reference_id: UUID, model: str, *, is_auto: bool = False) -> None:
    """With the models locked. `is_auto`: as long as it is the installation's own, documents may choose another one."""
    value = Reference.AUTO if is_auto and model == default_model() else own_model_name(model)
    rows = Reference.with_deleted.filter(pk=reference_id)
    rows.update(embedding_model=value, updated_at=Now())
    bases = KnowledgeBase.objects.filter(private_reference=reference_id)
    bases.update(vector_db_id=collection_name(model))


def documents_lacking(reference_id: UUID, model: str) -> TenantQuerySet[Document]:
    """Those with passages that have no vector of the model."""
    vectors = Embedding.objects.filter(chunk=OuterRef("pk"), model=model)
    chunks = Chunk.objects.filter(~Exists(vectors), document=OuterRef("pk"))
    rows: TenantQuerySet[Document] = Document.objects.filter(
        Exists(chunks.order_by()), reference=reference_id
    )
    return rows


def has_vectors(reference_id: UUID, model: str) -> bool:
    """Whether any of the reference's passages has one of the model."""
    return Embedding.objects.filter(chunk__document__reference=reference_id, model=model).exists()


def unfinished_jobs(reference_id: UUID | OuterRef) -> JobQuerySet[IngestionJob]:
    jobs = IngestionJob.objects.filter(kind=JobKind.REEMBED, document__reference=reference_id)
    rows: JobQuerySet[IngestionJob] = jobs.unfinished()
    return rows


def queue_documents(generations: Mapping[UUID, int], model: str) -> None:
    """Let the documents' passages get vectors of the model, behind all other work. A document that has such a job already
    is done by that one, with what is published by then. `generations` are those of the documents."""
    jobs = [
        IngestionJob(
            document_id=document_id,
            generation=generation,
            kind=JobKind.REEMBED,
            in_background=True,
            available_at="now",
            versions={"model": model},
        )
        for document_id, generation in generations.items()
    ]
    insert_instances(jobs, skip_existing=True)
    if jobs:
        transaction.on_commit(partial(notify_workers, QUEUE))


def continue_idle(reference_ids: Iterable[UUID]) -> None:
    """Continue the reembeddings that have waited for the last of their documents' jobs."""
    stages = (ReembeddingStage.EMBED, ReembeddingStage.REMOVE)
    rows = Reembedding.objects.filter(reference__in=reference_ids, state=JobState.WAITING, stage__in=stages)
    idle = [row.pk for row in rows.locked() if not unfinished_jobs(row.reference_id).exists()]
    continue_now(Reembedding.objects.filter(pk__in=idle))


def continue_now(rows: JobQuerySet[Reembedding], **columns: object) -> None:
    if rows.queue_again(timedelta(0), **columns):
        transaction.on_commit(partial(notify_workers, QUEUE))
