"""Tags by hand: on whole documents, where they outlast every generation, and on single passages."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from audit.services import record
from knowledge.errors import DocumentNotFoundError, TagRuleInvalidError
from knowledge.ingestion.jobs import lock_documents, make_anew
from knowledge.models import (
    Chunk,
    Document,
    DocumentTag,
    Embedding,
    IngestionJob,
    JobKind,
    JobState,
    Tag,
    TagLink,
    TagRule,
    TagSource,
)
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import tag_id
from knowledge.vectors import VectorStoreError, get_vector_store
from tenants.actors import Actor
from tenants.models import Role
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)


def make_tags(reference_id: UUID, names: Iterable[str], source: TagSource) -> list[Tag]:
    """Inside a scope: the reference's tags of these names, made where missing. Empty names are passed over."""
    wanted = clean_names(names)
    Tag.objects.bulk_create(
        [
            Tag(pk=tag_id(reference_id, name), reference_id=reference_id, tag=name, source=source)
            for name in wanted
        ],
        ignore_conflicts=True,
    )
    return list(Tag.objects.filter(reference_id=reference_id, tag__in=wanted))


def clean_names(names: Iterable[str]) -> list[str]:
    """As tags are named: without space around them, each once."""
    return list(dict.fromkeys(name.strip()[:255] for name in names if name.strip()))


def set_document_tags(document: Document, names: Sequence[str], source: TagSource, actor: Actor) -> list[Tag]:
    """Inside a scope, before the document's next generation is made: that one's passages get them."""
    tags = make_tags(document.reference_id, names, source)
    DocumentTag.objects.bulk_create(
        [
            DocumentTag(document_id=document.pk, tag=tag, source=source, actor_id=actor.user_id)
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
        for document in documents:
            own = set_document_tags(document, tags, TagSource.MANUAL, actor)
            _link(Chunk.objects.filter(document=document), own, actor)
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
        for reference_id, some in _by_reference(chunks).items():
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
    make_anew([by_id[pk] for pk in unseen])


def _record_chunks(actor: Actor, action: str, chunks: Sequence[Chunk], **change: Any) -> None:
    record(
        actor=actor,
        action=action,
        target=chunks[0] if len(chunks) == 1 else None,
        workspace_id=chunks[0].document.reference.workspace_id,
        chunks=[str(chunk.pk) for chunk in chunks],
        **change,
    )


def _by_reference(chunks: Iterable[Chunk]) -> dict[UUID, list[Chunk]]:
    grouped: dict[UUID, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        grouped[chunk.document.reference_id].append(chunk)
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
    points = {chunk.pk: tuple(link.tag_id for link in chunk.tag_links.all()) for chunk in chunks}
    models = set(Embedding.objects.filter(chunk__in=points).values_list("model", flat=True).distinct())
    transaction.on_commit(lambda: _write_to_store(tenant_id, models, points))


def _write_to_store(tenant_id: UUID, models: Iterable[str], points: dict[UUID, tuple[UUID, ...]]) -> None:
    """While the store is away, the tags are only where they were saved: a new generation brings them into it."""
    try:
        for model in models:
            get_vector_store().set_tags(tenant_id, collection_name(model), points)
    except VectorStoreError as error:
        logger.warning("tags will be indexed later: %s", error.detail)
        with tenant_scope(tenant_id):
            documents = Document.objects.filter(chunks__in=points).distinct("pk").defer("text")
            make_anew(_documents([document.pk for document in documents]))
