"""The flip: one transaction in which a new generation becomes the one that can be found."""

from __future__ import annotations

from collections.abc import Sequence

from audit.services import record
from knowledge.files import remove_older
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
from knowledge.vectors import Filter
from tenants.actors import Actor
from tenants.scope import tenant_scope

ROWS = 1000


def flip(
    actor: Actor, jobs: Sequence[IngestionJob], products: Sequence[Tagged], ports: Ports
) -> list[IngestionJob]:
    """Write the chunks, and let each document answer from them. The jobs that are left to clean; the others of a first
    generation are done. Documents deleted or replaced meanwhile are passed over, and those without a product keep
    answering from their last generation."""
    made = {product.passages.source.document_id for product in products}
    with tenant_scope(actor.tenant_id):
        held = {job.document_id: job for job in lock_held([job for job in jobs if job.document_id in made])}
        mine = [product for product in products if product.passages.source.document_id in held]
        Chunk.objects.all().filter(document__in=held).delete_rows()
        _write_tags(mine)
        _write_chunks(mine, ports)
        for product in mine:
            _show(actor, held[product.passages.source.document_id], product, ports)
    # A first generation has nothing to clean up after it.
    return [job for job in held.values() if job.generation > 1]


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
                for pk, (ref, tag) in new.items()
            ],
            ignore_conflicts=True,
        )


def _write_chunks(products: Sequence[Tagged], ports: Ports) -> None:
    chunks = [chunk for product in products for chunk in _chunks(product)]
    Chunk.objects.bulk_create(chunks, batch_size=ROWS)
    Embedding.objects.bulk_create(
        [
            Embedding(chunk=chunk, model=ports.embedder.model, vector_ref=f"{ports.collection}/{chunk.pk}")
            for chunk in chunks
        ],
        batch_size=ROWS,
    )
    TagLink.objects.bulk_create(
        [link for product in products for link in _links(product)],
        batch_size=ROWS,
    )


def _chunks(product: Tagged) -> list[Chunk]:
    passages = product.passages
    rows = zip(passages.chunk_ids(), passages.chunked.chunks, passages.digests, product.tags, strict=True)
    return [
        Chunk(
            pk=pk,
            document_id=passages.source.document_id,
            generation=passages.source.generation,
            position=chunk.position,
            text=chunk.text,
            content_sha256=digest,
            page=chunk.page,
            heading_path=list(chunk.heading_path),
            start=chunk.start,
            end=chunk.end,
            token_count=chunk.token_count,
            tags_text=[assigned.tag for assigned in tags],
        )
        for pk, chunk, digest, tags in rows
    ]


def _links(product: Tagged) -> list[TagLink]:
    return [
        TagLink(
            tag_id=assigned.tag_id,
            chunk_id=pk,
            source=assigned.source,
            confidence=assigned.confidence,
            actor_id=assigned.actor_id,
        )
        for pk, tags in zip(product.passages.chunk_ids(), product.tags, strict=True)
        for assigned in tags
    ]


def _show(actor: Actor, job: IngestionJob, product: Tagged, ports: Ports) -> None:
    passages, document = product.passages, job.document
    file_metadata = {"file": passages.document.metadata} if passages.document.metadata else {}
    Document.objects.filter(pk=document.pk).update(
        generation=job.generation,
        text=passages.chunked.text,
        mime_type=passages.document.mime_type,
        metadata_json={**without_file(document.metadata_json), **file_metadata},
        processed_status=DocumentStatus.DONE,
        error_code="",
        error_detail="",
        versions=ports.versions,
    )
    count = len(passages.digests)
    IngestionJob.objects.filter(pk=job.pk).update(
        stage=Stage.CLEAN, chunks_done=count, chunks_total=count, versions=ports.versions
    )
    if job.generation == 1:
        IngestionJob.objects.all().filter(pk=job.pk).finish(JobState.DONE)
    record(
        actor=actor,
        action="document.indexed",
        target=document,
        workspace_id=document.reference.workspace_id,
        new={"generation": job.generation, "chunks": count, "sha256": document.sha256},
    )
