"""The flip: one transaction in which a new generation becomes the one that can be found."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from django.db.models import F

from audit.services import record_each
from core.actors import Actor
from core.bulk_sql import Row, insert_rows, update_rows
from core.isolation.scope import tenant_scope
from core.models import new_id
from engines.vectors import Filter
from knowledge.ingestion.jobs import lock_held
from knowledge.ingestion.loading import without_file
from knowledge.ingestion.versions import models_of_documents
from knowledge.models import (
    Chunk,
    Document,
    DocumentStatus,
    Embedding,
    IngestionJob,
    JobState,
    Stage,
    Tag,
    TagLink,
    TagSource,
)
from knowledge.pipeline.ports import Ports, collection_name
from knowledge.pipeline.values import Tagged, tag_id
from knowledge.storage.files import remove_older


def flip(
    actor: Actor, jobs: Sequence[IngestionJob], products: Sequence[Tagged], ports: Ports
) -> list[IngestionJob]:
    """Write the chunks, and let each document answer from them; the jobs whose documents now do. Those of a first
    generation are done. Documents deleted or replaced meanwhile are passed over, and those without a product keep
    answering from their last generation."""
    made = {product.passages.source.document_id for product in products}
    with tenant_scope(actor.tenant_id):
        held = {job.document_id: job for job in lock_held([job for job in jobs if job.document_id in made])}
        mine = [product for product in products if product.passages.source.document_id in held]
        Chunk.objects.all().filter(document__in=held).delete_rows()
        _write_tags(mine)
        _write_chunks(mine, ports)
        _show(actor, [(held[product.passages.source.document_id], product) for product in mine], ports)
    return list(held.values())


def clean(actor: Actor, job: IngestionJob, ports: Ports) -> None:
    """Remove what earlier generations left in the store; then the job is done."""
    document, generation = job.document, job.generation
    old = Filter(document_ids=(document.pk,), below_generation=generation)
    with tenant_scope(actor.tenant_id):
        models = models_of_documents([document.pk])
    for model in models:
        ports.store.delete(actor.tenant_id, collection_name(model), old)
    remove_older(actor.tenant_id, document.pk, generation=generation, keep=document.file_path)
    with tenant_scope(actor.tenant_id):
        if lock_held([job]):
            IngestionJob.objects.all().filter(pk=job.pk).finish(JobState.DONE)
            Document.objects.filter(pk=document.pk).update(processed_status=DocumentStatus.DONE)


def remove_unshown(
    actor: Actor, jobs: Sequence[IngestionJob], products: Sequence[Tagged], ports: Ports
) -> None:
    """Remove the points of generations that nobody will show any more: their documents were deleted or replaced, and
    cleaned up after, before the points were written, or they hold too much."""
    made = {product.passages.source.document_id: product.passages.ids for product in products}
    mine = [job.pk for job in jobs if job.document_id in made]
    if not mine:
        return
    with tenant_scope(actor.tenant_id):
        ended = IngestionJob.objects.filter(pk__in=mine, state__in=(JobState.CANCELLED, JobState.ERROR))
        unshown = ended.exclude(document__generation__gte=F("generation"))
        documents = list(unshown.values_list("document_id", flat=True))
    for document_id in documents:
        ports.store.delete(actor.tenant_id, ports.collection, Filter(point_ids=tuple(made[document_id])))


def _write_tags(products: Sequence[Tagged]) -> None:
    """Words that files brought, as far as the vocabularies do not have them yet."""
    new = {
        tag_id(product.passages.source.reference_id, assigned.tag): (
            product.passages.source.reference_id,
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
    passages, document_id = product.passages, str(product.passages.source.document_id)
    rows = zip(passages.ids, passages.chunked.chunks, passages.digests, product.tags, strict=True)
    return [
        {
            "id": str(pk),
            "document_id": document_id,
            "generation": passages.source.generation,
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
        for pk, tags in zip(product.passages.ids, product.tags, strict=True)
        for assigned in tags
    ]


def _show(actor: Actor, made: Sequence[tuple[IngestionJob, Tagged]], ports: Ports) -> None:
    """The documents, their jobs and their events: a statement for each of the three, however many there are."""
    update_rows(Document, [_shown(job, product, ports) for job, product in made])
    update_rows(
        IngestionJob,
        [
            {
                "id": job.pk,
                "stage": Stage.CLEAN,
                "chunks_done": len(product.passages.digests),
                "chunks_total": len(product.passages.digests),
                "versions": ports.versions,
            }
            for job, product in made
        ],
    )
    first = [job.pk for job, _ in made if job.generation == 1]
    IngestionJob.objects.all().filter(pk__in=first).finish(JobState.DONE)
    record_each(
        actor=actor,
        action="document.indexed",
        events=[(job.document, job.document.reference.workspace_id, _told(job, one)) for job, one in made],
    )


def _shown(job: IngestionJob, product: Tagged, ports: Ports) -> Row:
    parsed = product.passages.document
    file_metadata = {"file": parsed.metadata} if parsed.metadata else {}
    return {
        "id": job.document_id,
        "generation": job.generation,
        "text": product.passages.chunked.text,
        "mime_type": parsed.mime_type,
        "metadata_json": {**without_file(job.document.metadata_json), **file_metadata},
        "processed_status": DocumentStatus.DONE,
        "error_code": "",
        "error_detail": "",
        "versions": ports.versions,
    }


def _told(job: IngestionJob, product: Tagged) -> dict[str, object]:
    count = len(product.passages.digests)
    return {"new": {"generation": job.generation, "chunks": count, "sha256": job.document.sha256}}
