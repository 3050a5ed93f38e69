"""What the pipeline needs to know of a batch of documents: a few queries, however many documents there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

from knowledge.models import Chunk, DocumentTag, IngestionJob, Tag, TagLink, TagRule, TagSource
from knowledge.pipeline.values import Source, TagAssignment, VocabularyTag

Grouped = dict[UUID, list[TagAssignment]]


def load_sources(jobs: Sequence[IngestionJob], files: dict[UUID, Path], model: str) -> list[Source]:
    """Inside a scope: a Source for each job whose file is at hand (`files`: document id → path). Vectors made by
    another model than `model` are not reused."""
    documents = [job.document for job in jobs if job.document_id in files]
    ids = [document.pk for document in documents]
    vocabularies = _vocabularies({document.reference_id for document in documents})
    given = _document_tags(ids)
    before = [document.pk for document in documents if document.generation]
    known, manual_tags = _known(before, model), _by_hand(before)
    return [
        Source(
            document_id=document.pk,
            reference_id=document.reference_id,
            generation=document.file_generation,
            filename=document.filename,
            path=files[document.pk],
            chunk_settings=document.reference.chunk_settings,
            metadata=document.metadata_json,
            vocabulary=tuple(vocabularies[document.reference_id]),
            document_tags=tuple(given[document.pk]),
            known=known[document.pk],
            manual_tags={digest: tuple(tags) for digest, tags in manual_tags[document.pk].items()},
        )
        for document in documents
    ]


def _vocabularies(reference_ids: Iterable[UUID]) -> dict[UUID, list[VocabularyTag]]:
    tags = list(Tag.objects.filter(reference_id__in=list(reference_ids)).order_by("tag"))
    rules: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    if tags:
        for rule in TagRule.objects.filter(tag__in=tags):
            rules[rule.tag_id].append((rule.kind, rule.pattern))
    vocabularies: dict[UUID, list[VocabularyTag]] = defaultdict(list)
    for tag in tags:
        vocabularies[tag.reference_id].append(
            VocabularyTag(
                id=tag.pk,
                tag=tag.tag,
                description=tag.description,
                inherited=tag.inherited,
                rules=tuple(rules[tag.pk]),
            )
        )
    return vocabularies


def _document_tags(document_ids: Sequence[UUID]) -> Grouped:
    given: Grouped = defaultdict(list)
    for link in DocumentTag.objects.filter(document_id__in=document_ids).select_related("tag"):
        given[link.document_id].append(_assignment(link))
    return given


def _known(document_ids: Sequence[UUID], model: str) -> dict[UUID, dict[str, UUID]]:
    known: dict[UUID, dict[str, UUID]] = defaultdict(dict)
    if document_ids:
        chunks = Chunk.objects.filter(document_id__in=document_ids, embeddings__model=model)
        for document_id, digest, pk in chunks.values_list("document_id", "content_sha256", "pk"):
            known[document_id][digest] = pk
    return known


def _by_hand(document_ids: Sequence[UUID]) -> dict[UUID, dict[str, list[TagAssignment]]]:
    manual_tags: dict[UUID, dict[str, list[TagAssignment]]] = defaultdict(lambda: defaultdict(list))
    if document_ids:
        links = TagLink.objects.filter(chunk__document_id__in=document_ids, source=TagSource.MANUAL)
        for link in links.select_related("tag", "chunk"):
            manual_tags[link.chunk.document_id][link.chunk.content_sha256].append(_assignment(link))
    return manual_tags


def _assignment(link: TagLink | DocumentTag) -> TagAssignment:
    return TagAssignment(
        tag_id=link.tag_id, tag=link.tag.tag, source=TagSource(link.source), actor_id=link.actor_id
    )
