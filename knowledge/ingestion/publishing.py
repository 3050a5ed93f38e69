"""Publishing: one transaction in which a new generation becomes the one that is found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F

from audit.services import record_each
from core.bulk_sql import Row, insert_rows, update_rows
from core.isolation.scope import tenant_scope
from core.models import new_id
from engines.vectors import Filter
from jobs.states import JobState
from knowledge.ingestion.attempt import Attempt, run_of
from knowledge.ingestion.quotas import replace_chunks
from knowledge.models import (
    Chunk,
    Document,
    DocumentStatus,
    Embedding,
    IngestionJob,
    KnowledgeBase,
    Stage,
    Tag,
    TagLink,
    TagSource,
)
from knowledge.pipeline.ports import Ports, collection_name
from knowledge.pipeline.values import Tagged, tag_id
from knowledge.second_models import answering_models, queue_documents, second_models, share_models
from knowledge.storage.files import remove_older
from knowledge.used_models import models_of_documents


def publish(attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]) -> list[IngestionJob]:
    """Write the new generations, and let their documents be found by them. Return the jobs of the published documents;
    those of a first generation are done. Documents that were deleted or replaced meanwhile are skipped, so are those whose
    reference has switched to another embedding model (`redo_outdated`), and those without a product keep their last
    generation. Raises QuotaExceededError."""
    product_of = {product.chunked.source.document_id: product for product in products}
    references = {job.document.reference_id for job in jobs}
    with tenant_scope(attempt.tenant_id):
        share_models(references)
        held = attempt.lock_held([job for job in jobs if job.document_id in product_of])
        outdated = _outdated(attempt, held)
        held = [job for job in held if job not in outdated]
        accepted = [product_of[job.document_id] for job in held]
        replace_chunks(attempt, held, accepted)
        _write_chunks(accepted, attempt.ports)
        _write_tags(accepted)
        _update_documents_and_jobs(attempt, held, accepted)
        _queue_second_models(held)
        if bases := {job.document.reference.knowledge_base_id for job in held} - {None}:
            moved = KnowledgeBase.objects.filter(pk__in=bases).exclude(vector_db_id=attempt.ports.collection)
            moved.update(vector_db_id=attempt.ports.collection)
        events = [
            (
                job.document,
                job.document.reference.workspace_id,
                {
                    "new": {
                        "generation": job.generation,
                        "chunks": len(product.chunked.chunks),
                        "sha256": job.document.sha256,
                    },
                    **run_of(job),
                },
            )
            for job, product in zip(held, accepted, strict=True)
        ]
        record_each(actor=attempt.actor, action="document.indexed", events=events)
    return held


def _outdated(attempt: Attempt, jobs: Sequence[IngestionJob]) -> list[IngestionJob]:
    """Those whose reference does not answer with the attempt's model any more."""
    models = answering_models({job.document.reference_id for job in jobs})
    return [
        job
        for job in jobs
        if models.get(job.document.reference_id) not in (None, attempt.ports.embedder.model)
    ]


def redo_outdated(attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]) -> None:
    """Queue the jobs again whose reference has switched to another embedding model, after their points were removed: for
    that model, the documents may be cut in another way."""
    with tenant_scope(attempt.tenant_id):
        outdated = _outdated(attempt, attempt.lock_held(jobs))
    document_ids = {job.document_id for job in outdated}
    for product in products:
        if product.chunked.source.document_id in document_ids and product.chunked.ids:
            points = Filter(point_ids=tuple(product.chunked.ids))
            attempt.ports.store.delete(attempt.tenant_id, attempt.ports.collection, points)
    with tenant_scope(attempt.tenant_id):
        held = attempt.lock_held(outdated)
        IngestionJob.objects.filter(pk__in=[job.pk for job in held]).queue_again(timedelta(0))


def _queue_second_models(jobs: Sequence[IngestionJob]) -> None:
    """While a reference has vectors of a second model, new passages get them too, a little later."""
    for reference_id, model in second_models({job.document.reference_id for job in jobs}).items():
        own = [job for job in jobs if job.document.reference_id == reference_id]
        queue_documents({job.document_id: job.generation for job in own}, model)


def clean(attempt: Attempt, job: IngestionJob) -> None:
    """Remove what earlier generations left in the stores; then the job is done."""
    document, generation = job.document, job.generation
    older = Filter(document_ids=(document.pk,), below_generation=generation)
    with tenant_scope(attempt.tenant_id):
        models = models_of_documents([document.pk])
    for model in models:
        attempt.ports.store.delete(attempt.tenant_id, collection_name(model), older)
    remove_older(attempt.tenant_id, document.pk, generation=generation, keep=document.file_path)
    with tenant_scope(attempt.tenant_id):
        if attempt.lock_held([job]):
            row = IngestionJob.objects.filter(pk=job.pk)
            row.finish(JobState.DONE, timings_json=attempt.progress.timings())
            Document.objects.filter(pk=document.pk).update(processed_status=DocumentStatus.DONE)


def remove_unpublished(attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]) -> None:
    """Remove the points of generations that will never be published: their documents were deleted or replaced, and cleaned
    up, before the points were written, or exceed a limit."""
    point_ids = {product.chunked.source.document_id: product.chunked.ids for product in products}
    indexed = [job.pk for job in jobs if job.document_id in point_ids]
    if not indexed:
        return
    with tenant_scope(attempt.tenant_id):
        ended = IngestionJob.objects.filter(pk__in=indexed, state__in=(JobState.CANCELLED, JobState.ERROR))
        unpublished = ended.exclude(document__generation__gte=F("generation"))
        document_ids = list(unpublished.values_list("document_id", flat=True))
    for document_id in document_ids:
        points = Filter(point_ids=tuple(point_ids[document_id]))
        attempt.ports.store.delete(attempt.tenant_id, attempt.ports.collection, points)


def _write_chunks(products: Sequence[Tagged], ports: Ports) -> None:
    """Write the chunks and their embeddings."""
    chunks: list[Row] = [
        {
            "id": str(pk),
            "document_id": str(product.chunked.source.document_id),
            "generation": product.chunked.source.generation,
            "position": chunk.position,
            "text": chunk.text,
            "content_sha256": digest,
            "page": chunk.page,
            "last_page": chunk.last_page,
            "heading_path": chunk.heading_path,
            "start": chunk.start,
            "end": chunk.end,
            "token_count": chunk.token_count,
            "language": language or "",
            "tags_text": [assigned.tag for assigned in tags],
        }
        for product in products
        for pk, chunk, digest, language, tags in zip(
            product.chunked.ids,
            product.chunked.chunks,
            product.chunked.digests,
            product.chunked.languages,
            product.tags,
            strict=True,
        )
    ]
    model, collection = ports.embedder.model, ports.collection
    insert_rows(Chunk, chunks)
    insert_rows(
        Embedding,
        [
            {"id": new_id(), "chunk_id": pk, "model": model, "vector_ref": f"{collection}/{pk}"}
            for pk in (chunk["id"] for chunk in chunks)
        ],
    )


def _write_tags(products: Sequence[Tagged]) -> None:
    """Link the chunks to their tags, after adding those to the vocabulary that the files brought."""
    imported = {
        (product.chunked.source.reference_id, assigned.tag)
        for product in products
        for tags in product.tags[:1]
        for assigned in tags
        if assigned.source == TagSource.IMPORT
    }
    new_tags = [
        Tag(pk=tag_id(reference_id, tag), reference_id=reference_id, tag=tag, source=TagSource.IMPORT)
        for reference_id, tag in sorted(imported)  # the same order everywhere, to avoid deadlocks
    ]
    Tag.objects.bulk_create(new_tags, ignore_conflicts=True)
    links: list[Row] = [
        {
            "id": new_id(),
            "tag_id": assigned.tag_id,
            "chunk_id": pk,
            "source": assigned.source,
            "confidence": assigned.confidence,
            "actor_id": assigned.actor_id,
        }
        for product in products
        for pk, tags in zip(product.chunked.ids, product.tags, strict=True)
        for assigned in tags
    ]
    insert_rows(TagLink, links)


def _update_documents_and_jobs(
    attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]
) -> None:
    """One statement for all documents, and one for all jobs."""
    documents: list[Row] = []
    job_rows: list[Row] = []
    timings = attempt.progress.timings()
    for job, product in zip(jobs, products, strict=True):
        parsed, count = product.chunked.document, len(product.chunked.chunks)
        versions = attempt.ports.versions_of(parsed.mime_type, job.document.reference.chunk_settings)
        document = {
            "id": job.document_id,
            "generation": job.generation,
            "text": product.chunked.text,
            "mime_type": parsed.mime_type,
            "file_metadata_json": parsed.metadata,
            "warnings": parsed.warnings_by_code,
            "processed_status": DocumentStatus.DONE,
            "error_code": "",
            "error_detail": "",
            "versions": versions,
        }
        documents.append(document)
        progress = {"stage": Stage.CLEAN, "chunks_done": count, "chunks_total": count}
        job_rows.append({"id": job.pk, **progress, "versions": versions, "timings_json": timings})
    update_rows(Document, documents)
    update_rows(IngestionJob, job_rows)
    first = [job.pk for job in jobs if job.generation == 1]
    IngestionJob.objects.filter(pk__in=first).finish(JobState.DONE)
