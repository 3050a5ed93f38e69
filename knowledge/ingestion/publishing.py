"""The flip: one transaction in which a new generation becomes the one that can be found."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from django.db.models import F

from audit.services import record_each
from core.bulk_sql import Row, insert_rows, update_rows
from core.isolation.scope import tenant_scope
from core.models import new_id
from engines.vectors import Filter
from jobs.states import JobState
from knowledge.ingestion.attempt import Attempt
from knowledge.models import (
    Chunk,
    Document,
    DocumentStatus,
    Embedding,
    IngestionJob,
    Stage,
    Tag,
    TagLink,
    TagSource,
)
from knowledge.pipeline.ports import Ports, Versions, collection_name
from knowledge.pipeline.values import Tagged, tag_id
from knowledge.storage.files import remove_older
from knowledge.used_models import models_of_documents


def publish(attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]) -> list[IngestionJob]:
    """Write the chunks, and let each document answer from them; the jobs whose documents now do. Those of a first
    generation are done. Documents deleted or replaced meanwhile are passed over, and those without a product keep
    answering from their last generation."""
    made = {product.chunked.source.document_id for product in products}
    with tenant_scope(attempt.tenant_id):
        held = {
            job.document_id: job
            for job in attempt.lock_held([job for job in jobs if job.document_id in made])
        }
        mine = [product for product in products if product.chunked.source.document_id in held]
        Chunk.objects.filter(document__in=held).delete_rows()
        _write_tags(mine)
        _write_chunks(mine, attempt.ports)
        shown = [(held[product.chunked.source.document_id], product) for product in mine]
        _show(attempt, shown)
    return list(held.values())


def clean(attempt: Attempt, job: IngestionJob) -> None:
    """Remove what earlier generations left in the store; then the job is done."""
    document, generation = job.document, job.generation
    old = Filter(document_ids=(document.pk,), below_generation=generation)
    with tenant_scope(attempt.tenant_id):
        models = models_of_documents([document.pk])
    for model in models:
        attempt.ports.store.delete(attempt.tenant_id, collection_name(model), old)
    remove_older(attempt.tenant_id, document.pk, generation=generation, keep=document.file_path)
    with tenant_scope(attempt.tenant_id):
        if attempt.lock_held([job]):
            row = IngestionJob.objects.filter(pk=job.pk)
            row.finish(JobState.DONE, timings_json=attempt.progress.timings())
            Document.objects.filter(pk=document.pk).update(processed_status=DocumentStatus.DONE)


def remove_unpublished(attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]) -> None:
    """Remove the points of generations that nobody will show any more: their documents were deleted or replaced, and
    cleaned up after, before the points were written, or they hold too much."""
    made = {product.chunked.source.document_id: product.chunked.ids for product in products}
    mine = [job.pk for job in jobs if job.document_id in made]
    if not mine:
        return
    with tenant_scope(attempt.tenant_id):
        ended = IngestionJob.objects.filter(pk__in=mine, state__in=(JobState.CANCELLED, JobState.ERROR))
        unshown = ended.exclude(document__generation__gte=F("generation"))
        documents = list(unshown.values_list("document_id", flat=True))
    for document_id in documents:
        attempt.ports.store.delete(
            attempt.tenant_id, attempt.ports.collection, Filter(point_ids=tuple(made[document_id]))
        )


def _write_tags(products: Sequence[Tagged]) -> None:
    """Words that files brought, as far as the vocabularies do not have them yet."""
    new = {
        tag_id(product.chunked.source.reference_id, assigned.tag): (
            product.chunked.source.reference_id,
            assigned.tag,
        )
        for product in products
        for tags in product.tags[:1]
        for assigned in tags
        if assigned.source == TagSource.IMPORT
    }
    if new:
        Tag.objects.bulk_create(
            [
                Tag(pk=pk, reference_id=ref, tag=tag, source=TagSource.IMPORT)
                for pk, (ref, tag) in sorted(new.items(), key=itemgetter(1))  # as all others do
            ],
            ignore_conflicts=True,
        )


def _write_chunks(products: Sequence[Tagged], ports: Ports) -> None:
    chunks = [row for product in products for row in _chunks(product)]
    insert_rows(Chunk, chunks)
    insert_rows(Embedding, _embeddings([chunk["id"] for chunk in chunks], ports))
    insert_rows(TagLink, [row for product in products for row in _links(product)])


def _chunks(product: Tagged) -> list[Row]:
    chunked, document_id = product.chunked, str(product.chunked.source.document_id)
    rows = zip(chunked.ids, chunked.chunks, chunked.digests, product.tags, strict=True)
    return [
        {
            "id": str(pk),
            "document_id": document_id,
            "generation": chunked.source.generation,
            "position": chunk.position,
            "text": chunk.text,
            "content_sha256": digest,
            "page": chunk.page,
            "heading_path": chunk.heading_path,
            "start": chunk.start,
            "end": chunk.end,
            "token_count": chunk.token_count,
            "tags_text": [assigned.tag for assigned in tags],
        }
        for pk, chunk, digest, tags in rows
    ]


def _embeddings(chunk_ids: Sequence[object], ports: Ports) -> list[Row]:
    model, collection = ports.embedder.model, ports.collection
    return [
        {"id": new_id(), "chunk_id": pk, "model": model, "vector_ref": f"{collection}/{pk}"}
        for pk in chunk_ids
    ]


def _links(product: Tagged) -> list[Row]:
    return [
        {
            "id": new_id(),
            "tag_id": assigned.tag_id,
            "chunk_id": pk,
            "source": assigned.source,
            "confidence": assigned.confidence,
            "actor_id": assigned.actor_id,
        }
        for pk, tags in zip(product.chunked.ids, product.tags, strict=True)
        for assigned in tags
    ]


def _show(attempt: Attempt, made: Sequence[tuple[IngestionJob, Tagged]]) -> None:
    """The documents, their jobs and their events: a statement for each of the three, however many there are."""
    update_rows(Document, [_shown(job, product, attempt.ports) for job, product in made])
    update_rows(
        IngestionJob,
        [
            {
                "id": job.pk,
                "stage": Stage.CLEAN,
                "chunks_done": len(product.chunked.digests),
                "chunks_total": len(product.chunked.digests),
                "versions": _versions(job, product, attempt.ports),
                "timings_json": attempt.progress.timings(),
            }
            for job, product in made
        ],
    )
    first = [job.pk for job, _ in made if job.generation == 1]
    IngestionJob.objects.filter(pk__in=first).finish(JobState.DONE)
    record_each(
        actor=attempt.actor,
        action="document.indexed",
        events=[(job.document, job.document.reference.workspace_id, _told(job, one)) for job, one in made],
    )


def _shown(job: IngestionJob, product: Tagged, ports: Ports) -> Row:
    parsed = product.chunked.document
    return {
        "id": job.document_id,
        "generation": job.generation,
        "text": product.chunked.text,
        "mime_type": parsed.mime_type,
        "file_metadata_json": parsed.metadata,
        "processed_status": DocumentStatus.DONE,
        "error_code": "",
        "error_detail": "",
        "versions": _versions(job, product, ports),
    }


def _told(job: IngestionJob, product: Tagged) -> dict[str, object]:
    count = len(product.chunked.digests)
    return {"new": {"generation": job.generation, "chunks": count, "sha256": job.document.sha256}}


def _versions(job: IngestionJob, product: Tagged, ports: Ports) -> Versions:
    return ports.versions_of(product.chunked.document.mime_type, job.document.reference.chunk_settings)
