"""Tags by hand and by workflows: on whole documents, where they outlast every generation, and on single chunks."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

from audit.services import record, soft_delete_audited
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.json_values import why_not_storable
from core.limits import check_limit
from core.names import without_forbidden
from core.permissions import Role
from engines.vectors import VectorStoreError
from jobs.states import JobState
from knowledge.document_quotas import by_workspace
from knowledge.engine_config import vector_store
from knowledge.errors import DocumentNotFoundError, TagInvalidError
from knowledge.models import (
    Chunk,
    Document,
    DocumentTag,
    Embedding,
    IngestionJob,
    JobKind,
    Tag,
    TagLink,
    TagSource,
)
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import tag_id
from knowledge.queueing import lock_documents, requeue

logger = logging.getLogger(__name__)
# Of one upload, document or change.
MAX_NAMES = 100
T = TypeVar("T")


def get_or_create_tags(reference_id: UUID, names: Iterable[str], source: TagSource) -> list[Tag]:
    """Inside a scope: the reference's tags of these names, in whichever case they are written. Empty names are ignored.
    Raises TagInvalidError, and LimitReachedError when the vocabulary would have too many."""
    cleaned = clean_tag_names(names)
    known = tags_named(reference_id, cleaned)
    new = {name.lower(): name for name in reversed(cleaned) if name.lower() not in known}
    if new:
        Tag.objects.bulk_create(
            [
                Tag(pk=tag_id(reference_id, name), reference_id=reference_id, tag=name, source=source)
                for name in sorted(new.values())  # concurrent inserts of the same names must not deadlock
            ],
            ignore_conflicts=True,
        )
        check_limit(Tag, {reference_id})
        known = tags_named(reference_id, cleaned)
    return list(dict.fromkeys(known[name.lower()] for name in cleaned))


def tags_named(reference_id: UUID, names: Iterable[str]) -> dict[str, Tag]:
    """Inside a scope: {name in lower case: tag}, whatever its case; a name that a tag had before it was renamed is its name,
    too, until another tag has it."""
    lower = {name.lower(): tag_id(reference_id, name) for name in names}
    rows = Tag.objects.filter(reference_id=reference_id).annotate(lower=Lower("tag"))
    tags: list[Any] = list(rows.filter(Q(lower__in=lower) | Q(pk__in=lower.values())))
    former = {name: tag for tag in tags for name, pk in lower.items() if pk == tag.pk}
    return former | {tag.tag.lower(): tag for tag in tags if tag.tag.lower() in lower}


def clean_tag_names(names: Iterable[str]) -> list[str]:
    """Without invisible characters, cut to the column's length, without empty ones and duplicates. Raises
    TagInvalidError."""
    cleaned: dict[str, None] = {}
    for name in names:
        if why := why_not_storable(name):
            raise TagInvalidError(f"A tag cannot be kept. {why}.")
        cleaned[without_forbidden(name)[:255].strip()] = None
    cleaned.pop("", None)
    if len(cleaned) > MAX_NAMES:
        raise TagInvalidError(f"These are {len(cleaned):,} tags. Give at most {MAX_NAMES} at a time.")
    return list(cleaned)


def set_document_tags(
    documents: Sequence[Document], names: Sequence[str], source: TagSource, actor: Actor
) -> list[Tag]:
    """Inside a scope, before the next generation of these documents of one reference is made: its chunks get the tags.
    Imported tags replace those imported before; others are added, and take the place of those from a lesser source."""
    tags = get_or_create_tags(documents[0].reference_id, names, source)
    present = DocumentTag.objects.filter(document__in=documents)
    if source == TagSource.IMPORT:
        present.filter(source=TagSource.IMPORT).exclude(tag__in=tags).delete()
    else:
        present.filter(source__in=source.lesser, tag__in=tags).delete()
    DocumentTag.objects.bulk_create(
        [
            DocumentTag(document=document, tag=tag, source=source, actor_id=actor.user_id)
            for document in documents
            for tag in tags
        ],
        ignore_conflicts=True,
    )
    check_limit(DocumentTag, {document.pk for document in documents})
    return tags


def tag_documents(
    *,
    actor: Actor,
    document_ids: Sequence[UUID],
    tags: Sequence[str],
    source: TagSource = TagSource.MANUAL,
) -> int:
    """Tag documents by hand or by a workflow, and their chunks at once; return the number of documents."""
    return _change_document_tags(actor, document_ids, tags, add=source)


def untag_documents(*, actor: Actor, document_ids: Sequence[UUID], tags: Sequence[str]) -> int:
    """Take tags from documents and from all their chunks, whatever their source; return the number of documents."""
    return _change_document_tags(actor, document_ids, tags, add=None)


def _change_document_tags(
    actor: Actor, document_ids: Sequence[UUID], names: Sequence[str], *, add: TagSource | None
) -> int:
    """Add them with this source, or take them away."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        documents = _lock(document_ids)
        if add:
            names = clean_tag_names(names)
            for group in _by_reference(documents, lambda document: document.reference_id).values():
                tags = set_document_tags(group, names, add, actor)
                link_chunks(Chunk.objects.filter(document__in=group).only("pk"), tags, add, actor.user_id)
        else:
            DocumentTag.objects.filter(document__in=documents, tag__tag__in=names).delete()
            TagLink.objects.filter(chunk__document__in=documents, tag__tag__in=names).delete()
        Document.objects.filter(pk__in=[document.pk for document in documents]).update()  # changed, too
        for workspace_id, own in by_workspace(documents).items():
            change = {"tags": list(names), "documents": [str(document.pk) for document in own]}
            record(
                actor=actor,
                action="documents.tagged" if add else "documents.untagged",
                target=own[0] if len(own) == 1 else None,
                workspace_id=workspace_id,
                **{"new" if add else "old": change},
            )
        write_tags(actor.tenant_id, documents, Q(document__in=documents))
    return len(documents)


def tag_chunks(
    *, actor: Actor, chunk_ids: Sequence[UUID], tags: Sequence[str], source: TagSource = TagSource.MANUAL
) -> int:
    """Tag chunks by hand or by a workflow, and return their number. A chunk whose text stays the same keeps the tag
    through new generations."""
    return _change_chunk_tags(actor, chunk_ids, tags, add=source)


def untag_chunks(*, actor: Actor, chunk_ids: Sequence[UUID], tags: Sequence[str]) -> int:
    """Take tags from chunks, whatever their source; return the number of chunks. Rules, inheritance and `ai` may give
    them again when the document is reindexed."""
    return _change_chunk_tags(actor, chunk_ids, tags, add=None)


def _change_chunk_tags(
    actor: Actor, chunk_ids: Sequence[UUID], names: Sequence[str], *, add: TagSource | None
) -> int:
    """As `_change_document_tags`. The chunks' documents are locked, as in `_lock`."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        rows = Chunk.objects.filter(pk__in=chunk_ids, document__deleted_at__isnull=True)
        lock_documents(list(rows.values_list("document_id", flat=True)))
        chunks = list(rows.select_related("document__reference").defer("document__text"))
        if not chunks:
            raise DocumentNotFoundError("There is no such passage.")
        if add:
            names = clean_tag_names(names)
            by_reference = _by_reference(chunks, lambda chunk: chunk.document.reference_id)
            for reference_id, group in by_reference.items():
                link_chunks(group, get_or_create_tags(reference_id, names, add), add, actor.user_id)
        else:
            TagLink.objects.filter(chunk__in=chunks, tag__tag__in=names).delete()
        ids = [chunk.pk for chunk in chunks]
        record(
            actor=actor,
            action="chunks.tagged" if add else "chunks.untagged",
            target=chunks[0] if len(chunks) == 1 else None,
            workspace_id=chunks[0].document.reference.workspace_id,
            chunks=[str(pk) for pk in ids],
            **{"new" if add else "old": {"tags": list(names)}},
        )
        write_tags(actor.tenant_id, [chunk.document for chunk in chunks], Q(pk__in=ids))
    return len(chunks)


def delete_tag(*, actor: Actor, tag: Tag) -> None:
    """Untag the documents first, because the vector store does not follow a foreign key."""
    with tenant_scope(actor.tenant_id):
        tagged = Document.objects.filter(Q(document_tags__tag=tag) | Q(chunks__tag_links__tag=tag))
        if ids := list(tagged.values_list("pk", flat=True).distinct()):
            untag_documents(actor=actor, document_ids=ids, tags=[tag.tag])
        soft_delete_audited(actor=actor, instances=[tag])


def index_tags(tenant_id: UUID, condition: Q) -> None:
    """Write the tags of the chunks into the vector store, and again while they change: of two concurrent changes the
    later one stays, in whichever order they reach the store. When the store is unavailable, the documents are requeued,
    and their next generation is indexed with the tags."""
    written: dict[UUID, tuple[UUID, ...]] = {}
    try:
        while (tags := _tag_ids(tenant_id, condition)) != written:
            with tenant_scope(tenant_id):
                chunks = Chunk.objects.filter(condition).order_by()
                embeddings = Embedding.objects.filter(chunk__in=chunks.values("pk"))
                models = set(embeddings.values_list("model", flat=True).distinct())
            for model in models:
                vector_store().set_tags(tenant_id, collection_name(model), tags)
            written = tags
    except VectorStoreError as error:
        logger.warning("tags will be indexed later: %s", error.detail)
        with tenant_scope(tenant_id):
            ids = Chunk.objects.filter(condition).order_by().values_list("document_id", flat=True).distinct()
            requeue(_lock(list(ids)))


def _tag_ids(tenant_id: UUID, condition: Q) -> dict[UUID, tuple[UUID, ...]]:
    """{chunk: its tags, sorted}"""
    tags: dict[UUID, set[UUID]] = defaultdict(set)
    with tenant_scope(tenant_id):
        links = Chunk.objects.filter(condition).order_by().values_list("pk", "tag_links__tag_id")
        for chunk_id, tag in links:
            tags[chunk_id].update([tag] if tag else [])
    return {chunk_id: tuple(sorted(ids)) for chunk_id, ids in tags.items()}


def _lock(document_ids: Sequence[UUID]) -> list[Document]:
    """Lock the documents, so that no generation of theirs is published, and no other caller tags them, meanwhile. Raises
    DocumentNotFoundError when there are none."""
    lock_documents(document_ids)
    rows = Document.objects.filter(pk__in=document_ids).select_related("reference").defer("text")
    documents = list(rows)
    if not documents:
        raise DocumentNotFoundError
    return documents


def _by_reference(items: Iterable[T], reference_of: Callable[[T], UUID]) -> dict[UUID, list[T]]:
    groups: dict[UUID, list[T]] = defaultdict(list)
    for item in items:
        groups[reference_of(item)].append(item)
    return groups


def link_chunks(
    chunks: QuerySet[Chunk] | Sequence[Chunk], tags: Sequence[Tag], source: TagSource, user_id: UUID | None
) -> None:
    """Inside a scope: a tag takes the place of the same tag from a lesser source."""
    others = TagLink.objects.filter(chunk__in=chunks, tag__in=tags).exclude(source__in=source.lesser)
    kept = set(others.values_list("chunk_id", "tag_id"))
    TagLink.objects.bulk_create(
        [
            TagLink(chunk=chunk, tag=tag, source=source, confidence=1.0, actor_id=user_id)
            for chunk in chunks
            for tag in tags
            if (chunk.pk, tag.pk) not in kept
        ],
        update_conflicts=True,
        unique_fields=["chunk", "tag"],
        update_fields=["source", "confidence", "actor_id"],
        batch_size=1000,
    )


def write_tags(tenant_id: UUID, documents: Iterable[Document], condition: Q) -> None:
    """Inside a scope: write the chunks' tags into `chunks.tags_text` now, and into the vector store after the commit. A
    generation that a worker is making does not have the change: its document is requeued."""
    by_id = {document.pk: document for document in documents}
    running = IngestionJob.objects.filter(document__in=by_id, kind=JobKind.INGEST, state=JobState.RUNNING)
    outdated = running.filter(generation__gt=F("document__generation")).values_list("document_id", flat=True)
    requeue([by_id[pk] for pk in outdated])
    rows = Chunk.objects.filter(condition).only("pk", "tags_text")
    chunks = list(rows.prefetch_related("tag_links__tag"))
    for chunk in chunks:
        chunk.tags_text = sorted(link.tag.tag for link in chunk.tag_links.all())
    Chunk.objects.bulk_update(chunks, ["tags_text"], batch_size=1000)
    transaction.on_commit(partial(index_tags, tenant_id, condition))
