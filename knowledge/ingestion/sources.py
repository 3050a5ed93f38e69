"""Loading what the pipeline needs about a batch of documents, with a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from core.isolation.scope import tenant_scope
from knowledge.ingestion.attempt import Attempt
from knowledge.ingestion.vocabulary import load_vocabularies
from knowledge.models import Chunk, DocumentTag, IngestionJob, TagLink, TagSource
from knowledge.pipeline.values import Source, TagAssignment, VocabularyTag


def load_batch(attempt: Attempt, jobs: Sequence[IngestionJob], files: Mapping[UUID, Path]) -> list[Source]:
    """Return a Source for each job that has a local file (`files`: by document id), for the attempt's embedder. To be called
    outside of a scope. Raises QuotaExceededError."""
    vocabularies = load_vocabularies(attempt, {job.document.reference_id for job in jobs})
    model = attempt.ports.embedder.model
    with tenant_scope(attempt.tenant_id):
        # Stored before the first point is written, because the clean-up must know where points may be.
        IngestionJob.objects.held(jobs).locked().update(versions={"model": model})
        return _load_sources(jobs, files, model, vocabularies)


def _load_sources(
    jobs: Sequence[IngestionJob],
    files: Mapping[UUID, Path],
    model: str,
    vocabularies: Mapping[UUID, tuple[VocabularyTag, ...]],
) -> list[Source]:
    """Vectors of other models than `model` are not reused; `vocabularies` are by reference."""
    documents = [job.document for job in jobs if job.document_id in files]
    document_tags: dict[UUID, list[TagAssignment]] = defaultdict(list)
    document_links = DocumentTag.objects.filter(document_id__in=[document.pk for document in documents])
    for link in document_links.select_related("tag"):
        document_tags[link.document_id].append(_assignment(link))
    reusable_points: dict[UUID, dict[str, UUID]] = defaultdict(dict)
    manual_tags: dict[UUID, dict[str, tuple[TagAssignment, ...]]] = defaultdict(lambda: defaultdict(tuple))
    if published := [document.pk for document in documents if document.generation]:
        chunks = Chunk.objects.filter(document_id__in=published, embeddings__model=model)
        for document_id, digest, pk in chunks.values_list("document_id", "content_sha256", "pk"):
            reusable_points[document_id][digest] = pk
        links = TagLink.objects.filter(
            chunk__document_id__in=published, source__in=[TagSource.MANUAL, TagSource.WORKFLOW]
        )
        for link in links.select_related("tag", "chunk"):
            manual_tags[link.chunk.document_id][link.chunk.content_sha256] += (_assignment(link),)
    return [
        Source(
            document_id=document.pk,
            reference_id=document.reference_id,
            generation=document.file_generation,
            filename=document.filename,
            path=files[document.pk],
            chunk_settings=document.reference.chunk_settings,
            metadata=document.metadata_json,
            vocabulary=vocabularies.get(document.reference_id, ()),
            document_tags=tuple(document_tags[document.pk]),
            reusable_points=reusable_points[document.pk],
            manual_tags=dict(manual_tags[document.pk]),
        )
        for document in documents
    ]


def _assignment(link: TagLink | DocumentTag) -> TagAssignment:
    return TagAssignment(
        tag_id=link.tag_id, tag=link.tag.tag, source=TagSource(link.source), actor_id=link.actor_id
    )
