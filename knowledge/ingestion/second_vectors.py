"""Vectors of a further model for the published passages of documents: nothing is read or cut anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from core.bulk_sql import insert_rows, update_rows
from core.isolation.scope import tenant_scope
from core.models import new_id
from engines.embedding import Embedder
from engines.parsing import ParsedDocument
from engines.vectors import Filter
from jobs.states import JobState
from knowledge.ingestion.attempt import Attempt
from knowledge.ingestion.hooks import hooks_of
from knowledge.models import Chunk, Document, Embedding, IngestionJob, Stage, TagLink, TagSource
from knowledge.pipeline.chunking import ChunkedText, embedding_input
from knowledge.pipeline.embedding import embed
from knowledge.pipeline.indexing import index
from knowledge.pipeline.values import Chunked, Source, TagAssignment, Tagged
from knowledge.second_models import answering_models, continue_idle, second_models

Jobs = Sequence[IngestionJob]


@dataclass(frozen=True, slots=True)
class _Published:
    """What a point depends on that may change: the document's generation, and the tags of its passages."""

    generation: int
    tags: frozenset[tuple[UUID, UUID]]


def reembed(attempt: Attempt, batch: Jobs) -> None:
    """Give the documents' passages vectors of the attempt's model. A document that was changed meanwhile is done again."""
    changed = _reembed(attempt, batch, again=False)
    while changed:
        changed = _reembed(attempt, changed, again=True)


def _reembed(attempt: Attempt, jobs: Jobs, *, again: bool) -> list[IngestionJob]:
    """Return the jobs of the documents that have changed."""
    ports, tenant_id = attempt.ports, attempt.tenant_id
    attempt.progress(Stage.EMBED)
    with tenant_scope(tenant_id):
        published = _published(jobs)
        rows = _rows(published)
    chunked = [_chunked(document, chunks, ports.embedder) for document, chunks in rows]
    # Only an attempt before this one can have left points.
    _remove_older(attempt, [job for job in jobs if again or job.attempt > 1], published)
    hooks = hooks_of(attempt, jobs, stores_counts=len(jobs) == 1)
    embedded = embed(chunked, tenant_id=tenant_id, ports=ports, hooks=hooks)
    attempt.progress(Stage.INDEX)
    tags = _assignments(published)
    index(
        [
            Tagged(chunked=one.chunked, vectors=one.vectors, tags=tuple(tags[pk] for pk in one.chunked.ids))
            for one in embedded
        ],
        tenant_id=tenant_id,
        ports=ports,
    )
    with tenant_scope(tenant_id):
        held = attempt.lock_held(jobs)
        now = _published(held)
        unchanged = [job for job in held if now.get(job.document_id) == published.get(job.document_id)]
        _finish(attempt, unchanged, {one.source.document_id: one for one in chunked})
    return [job for job in held if job not in unchanged]


def _published(jobs: Jobs) -> dict[UUID, _Published]:
    """Of the documents that exist, and whose reference is to have vectors of the jobs' model."""
    references = {job.document.reference_id for job in jobs}
    second, answering = second_models(references), answering_models(references)
    ids = [
        job.document_id
        for job in jobs
        if job.versions["model"]
        in (second.get(job.document.reference_id), answering.get(job.document.reference_id))
    ]
    documents = dict(Document.objects.filter(pk__in=ids).values_list("pk", "generation"))
    tags: defaultdict[UUID, set[tuple[UUID, UUID]]] = defaultdict(set)
    links = TagLink.objects.filter(chunk__document__in=documents)
    for document_id, chunk_id, tag_id in links.values_list("chunk__document_id", "chunk_id", "tag_id"):
        tags[document_id].add((chunk_id, tag_id))
    return {pk: _Published(generation, frozenset(tags[pk])) for pk, generation in documents.items()}


def _rows(document_ids: Collection[UUID]) -> list[tuple[Document, list[Chunk]]]:
    """The documents, each with its passages in their order."""
    chunks: defaultdict[UUID, list[Chunk]] = defaultdict(list)
    for chunk in Chunk.objects.filter(document__in=document_ids).order_by("position"):
        chunks[chunk.document_id].append(chunk)
    documents = Document.objects.filter(pk__in=document_ids).defer("text")
    return [(document, chunks[document.pk]) for document in documents]


def _chunked(document: Document, rows: Sequence[Chunk], embedder: Embedder) -> Chunked:
    """As the pipeline would have cut the document."""
    counts = embedder.count_tokens([row.text for row in rows])
    chunks = tuple(
        ChunkedText(
            position=row.position,
            text=row.text,
            page=row.page,
            last_page=row.last_page,
            heading_path=tuple(row.heading_path),
            start=row.start,
            end=row.end,
            token_count=count,
        )
        for row, count in zip(rows, counts, strict=True)
    )
    digests = tuple(row.content_sha256 for row in rows)
    ids = tuple(row.pk for row in rows)
    source = Source(
        document_id=document.pk,
        reference_id=document.reference_id,
        generation=document.generation,
        filename=document.filename,
        path=Path(document.file_path),
        metadata=document.metadata_json,
        reusable_points=dict(zip(digests, ids, strict=True)),
    )
    return Chunked(
        source=source,
        document=ParsedDocument(mime_type=document.mime_type, metadata=document.file_metadata_json),
        text="",
        chunks=chunks,
        ids=ids,
        contents=tuple(embedding_input(chunk) for chunk in chunks),
        digests=digests,
        languages=tuple(row.language or None for row in rows),
    )


def _remove_older(attempt: Attempt, jobs: Jobs, published: Mapping[UUID, _Published]) -> None:
    """Remove points of generations that are not published any more, or of a document that is to have none."""
    for job in jobs:
        state = published.get(job.document_id)
        older = Filter(document_ids=(job.document_id,), below_generation=state.generation if state else None)
        attempt.ports.store.delete(attempt.tenant_id, attempt.ports.collection, older)


def _assignments(published: Mapping[UUID, _Published]) -> defaultdict[UUID, tuple[TagAssignment, ...]]:
    """By passage; points only have the tags' ids."""
    tags: defaultdict[UUID, tuple[TagAssignment, ...]] = defaultdict(tuple)
    for one in published.values():
        for chunk_id, tag_id in one.tags:
            tags[chunk_id] += (TagAssignment(tag_id=tag_id, tag="", source=TagSource.MANUAL),)
    return tags


def _finish(attempt: Attempt, jobs: Jobs, chunked: Mapping[UUID, Chunked]) -> None:
    """Inside a scope: record the vectors; the jobs are done. Passages that the model does not read whole are counted
    (`cut`): their documents are cut anew after the switch."""
    model, longest = attempt.ports.embedder.model, attempt.ports.embedder.max_tokens
    done = [(job, chunked[job.document_id]) for job in jobs if job.document_id in chunked]
    rows = [
        {
            "id": job.pk,
            "generation": one.source.generation,
            "chunks_done": len(one.chunks),
            "chunks_total": len(one.chunks),
            "versions": {"model": model, "cut": sum(chunk.token_count > longest for chunk in one.chunks)},
            "timings_json": attempt.progress.timings(),
        }
        for job, one in done
    ]
    _record_vectors(attempt, [pk for _, one in done for pk in one.ids])
    update_rows(IngestionJob, rows)
    IngestionJob.objects.filter(pk__in=[job.pk for job in jobs]).finish(JobState.DONE)
    continue_idle({job.document.reference_id for job in jobs})


def _record_vectors(attempt: Attempt, chunk_ids: Sequence[UUID]) -> None:
    model, collection = attempt.ports.embedder.model, attempt.ports.collection
    known = Embedding.objects.filter(chunk__in=chunk_ids, model=model)
    new = set(chunk_ids).difference(known.values_list("chunk_id", flat=True))
    insert_rows(
        Embedding,
        [
            {"id": new_id(), "chunk_id": pk, "model": model, "vector_ref": f"{collection}/{pk}"}
            for pk in sorted(new)
        ],
    )
