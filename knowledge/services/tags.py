"""Tags by hand: on whole documents, where they outlast every generation, and on single passages."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from audit.services import record, soft_delete_audited
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.vectors import VectorStoreError
from jobs.states import JobState
from knowledge.engine_config import vector_store
from knowledge.errors import DocumentNotFoundError, TagRuleInvalidError
from knowledge.models import (
    Chunk,
    Document,
    DocumentTag,
    Embedding,
    IngestionJob,
    JobKind,
    Tag,
    TagLink,
    TagRule,
    TagSource,
)
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import tag_id
from knowledge.queueing import lock_documents, requeue

logger = logging.getLogger(__name__)
T = TypeVar("T")
Tags = dict[UUID, tuple[UUID, ...]]


def make_tags(reference_id: UUID, names: Iterable[str], source: TagSource) -> list[Tag]:
    """Inside a scope: the reference's tags of these names, made where missing. Empty names are passed over."""
    wanted = clean_names(names)
    Tag.objects.bulk_create(
        [
            Tag(pk=tag_id(reference_id, name), reference_id=reference_id, tag=name, source=source)
            for name in sorted(
                wanted
            )  # so that nobody who makes the same ones waits for us while we wait for them
        ],
        ignore_conflicts=True,
    )
    return list(Tag.objects.filter(reference_id=reference_id, tag__in=wanted))


def clean_names(names: Iterable[str]) -> list[str]:
    """As tags are named: without space around them, each once."""
    return list(dict.fromkeys(name.strip()[:255] for name in names if name.strip()))


def set_document_tags(
    documents: Sequence[Document], names: Sequence[str], source: TagSource, actor: Actor
) -> list[Tag]:
    """Inside a scope, before the next generation of these documents of one reference is made: its passages get the tags.
    What a source says replaces what it said before; what people say is added to it, and outranks it."""
    tags = make_tags(documents[0].reference_id, names, source)
    before = DocumentTag.objects.filter(document__in=documents, source=TagSource.IMPORT)
    outdated = before.exclude(tag__in=tags) if source == TagSource.IMPORT else before.filter(tag__in=tags)
    outdated.delete()
    DocumentTag.objects.bulk_create(
        [
            DocumentTag(document=document, tag=tag, source=source, actor_id=actor.user_id)
            for document in documents
            for tag in tags
        ],
        ignore_conflicts=True,
    )
    return tags


def tag_documents(*, actor: Actor, document_ids: Sequence[UUID], tags: Sequence[str]) -> int:
    """Tag documents by hand, and their passages at once; the number of documents."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        documents = _documents(document_ids)
        for some in _grouped(documents, lambda document: document.reference_id).values():
            own = set_document_tags(some, tags, TagSource.MANUAL, actor)
            _link(Chunk.objects.filter(document__in=some).only("pk"), own, actor)
        record(
            actor=actor,
            action="documents.tagged",
            target=documents[0] if len(documents) == 1 else None,
            workspace_id=documents[0].reference.workspace_id,
            new={"tags": list(tags), "documents": [str(d.pk) for d in documents]},
        )
        _overtake(documents)
        _refresh(actor.tenant_id, Q(document__in=documents))
    return len(documents)


def untag_documents(*, actor: Actor, document_ids: Sequence[UUID], tags: Sequence[str]) -> int:
    """Take tags from documents and from all their passages, whatever their source; the number of documents."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        documents = _documents(document_ids)
        DocumentTag.objects.filter(document__in=documents, tag__tag__in=tags).delete()
        TagLink.objects.filter(chunk__document__in=documents, tag__tag__in=tags).delete()
        record(
            actor=actor,
            action="documents.untagged",
            target=documents[0] if len(documents) == 1 else None,
            workspace_id=documents[0].reference.workspace_id,
            old={"tags": list(tags), "documents": [str(d.pk) for d in documents]},
        )
        _overtake(documents)
        _refresh(actor.tenant_id, Q(document__in=documents))
    return len(documents)


def tag_chunks(*, actor: Actor, chunk_ids: Sequence[UUID], tags: Sequence[str]) -> int:
    """Tag passages by hand; a passage whose text stays the same keeps the tag through new generations."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        chunks = _chunks(chunk_ids)
        for reference_id, some in _grouped(chunks, lambda chunk: chunk.document.reference_id).items():
            _link(some, make_tags(reference_id, tags, TagSource.MANUAL), actor)
        _record_chunks(actor, "chunks.tagged", chunks, new={"tags": list(tags)})
        _overtake([chunk.document for chunk in chunks])
        _refresh(actor.tenant_id, Q(pk__in=[c.pk for c in chunks]))
    return len(chunks)


def untag_chunks(*, actor: Actor, chunk_ids: Sequence[UUID], tags: Sequence[str]) -> int:
    """Take tags from passages, whatever their source; the number of passages. Rules, inheritance and `ai` may give them
    again when the document is indexed anew."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        chunks = _chunks(chunk_ids)
        TagLink.objects.filter(chunk__in=chunks, tag__tag__in=tags).delete()
        _record_chunks(actor, "chunks.untagged", chunks, old={"tags": list(tags)})
        _overtake([chunk.document for chunk in chunks])
        _refresh(actor.tenant_id, Q(pk__in=[c.pk for c in chunks]))
    return len(chunks)


def delete_tag(*, actor: Actor, tag: Tag) -> None:
    """The passages lose it first, so that the vector store does too."""
    with tenant_scope(actor.tenant_id):
        carry = Document.objects.filter(Q(document_tags__tag=tag) | Q(chunks__tag_links__tag=tag))
        if ids := list(carry.values_list("pk", flat=True).distinct()):
            untag_documents(actor=actor, document_ids=ids, tags=[tag.tag])
        soft_delete_audited(actor=actor, instances=[tag])


def check_rule(rule: TagRule) -> None:
    """Raises TagRuleInvalidError when the pattern is no regular expression."""
    from regex import error

    from knowledge.pipeline.tagging import compile_rule

    try:
        compile_rule(rule.kind, rule.pattern)
    except error as wrong:
        raise TagRuleInvalidError(f"'{rule.pattern}' is not a regular expression: {wrong}.") from wrong


def _documents(document_ids: Sequence[UUID]) -> list[Document]:
    """Locked, so that no new generation is shown, and nobody else tags them, meanwhile."""
    lock_documents(document_ids)
    found = Document.objects.filter(pk__in=document_ids).select_related("reference").defer("text")
    documents = list(found)
    if not documents:
        raise DocumentNotFoundError
    return documents


def _chunks(chunk_ids: Sequence[UUID]) -> list[Chunk]:
    """Their documents are locked, as in `_documents`."""
    found = Chunk.objects.filter(pk__in=chunk_ids, document__deleted_at__isnull=True)
    lock_documents(list(found.values_list("document_id", flat=True)))
    chunks = list(found.select_related("document__reference").defer("document__text"))
    if not chunks:
        raise DocumentNotFoundError("There is no such passage.")
    return chunks


def _overtake(documents: Iterable[Document]) -> None:
    """What a worker is making of these documents does not know of the change yet: it is made anew."""
    by_id = {document.pk: document for document in documents}
    jobs = IngestionJob.objects.filter(document__in=by_id, kind=JobKind.INGEST, state=JobState.RUNNING)
    unseen = jobs.filter(generation__gt=F("document__generation")).values_list("document_id", flat=True)
    requeue([by_id[pk] for pk in unseen])


def _record_chunks(actor: Actor, action: str, chunks: Sequence[Chunk], **change: Any) -> None:
    record(
        actor=actor,
        action=action,
        target=chunks[0] if len(chunks) == 1 else None,
        workspace_id=chunks[0].document.reference.workspace_id,
        chunks=[str(chunk.pk) for chunk in chunks],
        **change,
    )


def _grouped(items: Iterable[T], reference_of: Callable[[T], UUID]) -> dict[UUID, list[T]]:
    grouped: dict[UUID, list[T]] = defaultdict(list)
    for item in items:
        grouped[reference_of(item)].append(item)
    return grouped


def _link(chunks: Iterable[Chunk], tags: Iterable[Tag], actor: Actor) -> None:
    """What people say outranks what was said before of the same passage and tag."""
    words = list(tags)
    TagLink.objects.bulk_create(
        [
            TagLink(chunk=chunk, tag=tag, source=TagSource.MANUAL, confidence=1.0, actor_id=actor.user_id)
            for chunk in chunks
            for tag in words
        ],
        update_conflicts=True,
        unique_fields=["chunk", "tag"],
        update_fields=["source", "confidence", "actor_id"],
        batch_size=1000,
    )


def _refresh(tenant_id: UUID, which: Q) -> None:
    """Write the passages' tags into `chunks.tags_text` now, and into the vector store after the commit."""
    chunks = list(Chunk.objects.filter(which).only("pk", "tags_text").prefetch_related("tag_links__tag"))
    for chunk in chunks:
        chunk.tags_text = sorted(link.tag.tag for link in chunk.tag_links.all())
    Chunk.objects.bulk_update(chunks, ["tags_text"], batch_size=1000)
    transaction.on_commit(partial(index_tags, tenant_id, which))


def index_tags(tenant_id: UUID, which: Q) -> None:
    """Write the passages' tags, as they are now, into the vector store; and again, should they have changed meanwhile. So
    of two changes at once the later one stays, whoever of the two is the last to reach the store.

    While the store is away, the tags are only where they were saved: a new generation brings them into it."""
    written: Tags = {}
    try:
        while (tags := _tags(tenant_id, which)) != written:
            for model in _models(tenant_id, which):
                vector_store().set_tags(tenant_id, collection_name(model), tags)
            written = tags
    except VectorStoreError as error:
        logger.warning("tags will be indexed later: %s", error.detail)
        with tenant_scope(tenant_id):
            documents = (
                Chunk.objects.filter(which).order_by().values_list("document_id", flat=True).distinct()
            )
            requeue(_documents(list(documents)))


def _tags(tenant_id: UUID, which: Q) -> Tags:
    tags: dict[UUID, set[UUID]] = defaultdict(set)
    with tenant_scope(tenant_id):
        links = Chunk.objects.filter(which).order_by().values_list("pk", "tag_links__tag_id")
        for chunk_id, linked in links:
            tags[chunk_id].update([linked] if linked else [])
    return {chunk_id: tuple(sorted(ids)) for chunk_id, ids in tags.items()}


def _models(tenant_id: UUID, which: Q) -> set[str]:
    with tenant_scope(tenant_id):
        embeddings = Embedding.objects.filter(chunk__in=Chunk.objects.filter(which).order_by().values("pk"))
        return set(embeddings.values_list("model", flat=True).distinct())
