"""Deleting, retrying and re-indexing documents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from audit.services import record
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quota_kinds import QuotaKind
from engines.vectors import bm25
from knowledge.document_quotas import by_workspace, give_back
from knowledge.engine_config import file_parser
from knowledge.errors import DocumentNotFoundError
from knowledge.models import Document, DocumentStatus, JobKind
from knowledge.queueing import cancel_unfinished, enqueue, requeue

REREAD_BATCH = 500
# Deleted documents can be restored for so long.
TRASH_DAYS = 30


def delete_documents(*, actor: Actor, document_ids: Sequence[UUID], to_trash: bool = False) -> int:
    """Hide the documents, and what was found inside them, at once, and queue the removal of their chunks, points and
    files; with `to_trash`, that of the points, and of the rest when they were not restored for `TRASH_DAYS`. Return the
    number deleted. Raises DocumentNotFoundError when none of the ids is a document's."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        alive = Document.objects.select_related("reference").defer("text").order_by("pk")
        locked = alive.select_for_update(of=("self",))
        level = list(locked.filter(pk__in=document_ids))
        documents = [*level]
        while level:
            members = locked.filter(container__in=[document.pk for document in level])
            level = list(members.exclude(pk__in=document_ids))
            documents += level
        if not documents:
            raise DocumentNotFoundError
        ids = [document.pk for document in documents]
        until = timezone.now() + timedelta(days=TRASH_DAYS) if to_trash else None
        Document.objects.filter(pk__in=ids).update(trashed_until=until)
        Document.objects.filter(pk__in=ids).soft_delete()
        kinds = [QuotaKind.DOCUMENTS] if to_trash else [QuotaKind.DOCUMENTS, QuotaKind.STORAGE]
        give_back(actor, documents, kinds)
        cancel_unfinished(ids)
        enqueue(documents, JobKind.PURGE)
        for workspace_id, own in by_workspace(documents).items():
            record(
                actor=actor,
                action="documents.deleted",
                target=own[0] if len(own) == 1 else None,
                workspace_id=workspace_id,
                old={str(document.pk): document.sha256 for document in own},
                to_trash=to_trash,
            )
    return len(documents)


def retry_documents(*, actor: Actor, document_ids: Sequence[UUID]) -> int:
    """Requeue those that are in error, and return their number."""
    failed = Q(pk__in=document_ids, processed_status=DocumentStatus.ERROR)
    return len(_requeue(actor, failed, "documents.retried"))


def reindex_documents(*, actor: Actor, document_ids: Sequence[UUID]) -> int:
    """Queue a new generation from the stored files, with today's tags, rules and versions; return the number of
    documents. Chunks whose text did not change keep their vectors."""
    return len(_requeue(actor, Q(pk__in=document_ids), "documents.reindexed"))


def reread_documents(*, actor: Actor, mime_types: Collection[str]) -> int:
    """Queue, behind all other work, the documents of these types that another version of their reader has read, or whose
    words another version has indexed; return their number. Searches find what they have until then. Opens scopes of its
    own."""
    parser = file_parser()
    readers = {one: Q(versions__reader=parser.version_of(one)) for one in mime_types}
    words = Q(versions__words=bm25.VERSION)
    others = (Q(mime_type=one) & ~(reader & words) for one, reader in readers.items())
    condition, count = Q(processed_status=DocumentStatus.DONE) & reduce(or_, others, Q(pk=None)), 0
    while queued := _requeue(actor, condition, "documents.reread", most=REREAD_BATCH):
        count += len(queued)
    return count


def _requeue(actor: Actor, condition: Q, action: str, *, most: int | None = None) -> list[Document]:
    """With `most`, so many of them, in the background."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        rows = Document.objects.filter(condition).order_by("pk").select_related("reference").defer("text")
        documents = list(rows.select_for_update(of=("self",))[:most])
        if documents:
            requeue(documents, in_background=most is not None)
            for workspace_id, own in by_workspace(documents).items():
                record(
                    actor=actor,
                    action=action,
                    target=own[0] if len(own) == 1 else None,
                    workspace_id=workspace_id,
                    new={str(document.pk): "queued" for document in own},
                )
    return documents
