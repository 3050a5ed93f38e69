"""The trash: deleted documents that can be restored for some time, and references with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.services import record
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import charge
from jobs.querysets import JobQuerySet
from jobs.queue import notify_workers
from jobs.states import JobState
from knowledge.document_quotas import amounts_of, by_workspace
from knowledge.errors import DocumentExistsError, DocumentNotFoundError, ReferenceNotFoundError, TrashError
from knowledge.models import Document, IngestionJob, JobKind, Reference
from knowledge.queueing import QUEUE, lock_documents, requeue


def trashed_documents() -> QuerySet[Document]:
    """Inside a scope: those that can be restored, the last deleted first."""
    rows: QuerySet[Document] = Document.with_deleted.filter(
        deleted_at__isnull=False, trashed_until__gt=timezone.now()
    )
    return rows.select_related("reference__workspace").defer("text").order_by("-deleted_at", "pk")


def restore_documents(*, actor: Actor, document_ids: Sequence[UUID]) -> int:
    """Their passages are made anew from the stored files; tags stay. Return the number restored. Raises
    DocumentNotFoundError, TrashError where a reference is deleted, DocumentExistsError, QuotaExceededError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        documents = _locked(document_ids)
        for document in documents:
            if document.reference.deleted_at or document.reference.workspace.deleted_at:
                raise TrashError(f"Restore the reference '{document.reference}' first.")
            same = Document.objects.filter(reference=document.reference, external_id=document.external_id)
            if same.exists():
                raise DocumentExistsError(
                    f"The reference has a new document '{document.external_id}'. Delete that first."
                )
        for workspace_id, amounts in amounts_of(documents).items():
            added = {QuotaKind.DOCUMENTS: amounts[QuotaKind.DOCUMENTS]}
            charge(actor=actor, amounts=added, workspace_id=workspace_id)
        ids = [document.pk for document in documents]
        Document.with_deleted.filter(pk__in=ids).update(deleted_at=None, trashed_until=None)
        _removals(ids).locked().finish(JobState.CANCELLED)
        requeue(documents)
        _record(actor, "documents.restored", documents)
    return len(documents)


def restore_reference(*, actor: Actor, reference_id: UUID) -> int:
    """With those of its documents that are in the trash; return their number. Raises ReferenceNotFoundError, TrashError
    where another one has its name, and as `restore_documents`."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        rows = Reference.with_deleted.filter(pk=reference_id, deleted_at__isnull=False, knowledge_base=None)
        reference = rows.select_related("workspace").first()
        if reference is None:
            raise ReferenceNotFoundError
        if reference.workspace.deleted_at:
            raise TrashError("Its workspace is deleted.")
        if Reference.objects.filter(workspace=reference.workspace_id, name=reference.name).exists():
            raise TrashError(f"There is another reference '{reference.name}' now. Rename that first.")
        rows.update(deleted_at=None)
        record(
            actor=actor,
            action="reference.restored",
            target=reference,
            workspace_id=reference.workspace_id,
            new={"name": reference.name},
        )
        ids = list(trashed_documents().filter(reference=reference_id).values_list("pk", flat=True))
        return restore_documents(actor=actor, document_ids=ids) if ids else 0


def delete_for_good(*, actor: Actor, document_ids: Sequence[UUID]) -> int:
    """Remove their files and passages now. Return their number. Raises DocumentNotFoundError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        documents = _locked(document_ids)
        ids = [document.pk for document in documents]
        Document.with_deleted.filter(pk__in=ids).update(trashed_until=timezone.now())
        _removals(ids).locked().queue_again(timedelta(0))
        _record(actor, "documents.removed", documents)
        transaction.on_commit(partial(notify_workers, QUEUE))
    return len(documents)


def _locked(document_ids: Sequence[UUID]) -> list[Document]:
    """With those that were found inside them. Raises DocumentNotFoundError."""
    lock_documents(document_ids)
    level = list(trashed_documents().filter(pk__in=document_ids))
    documents = [*level]
    while level:
        known = [document.pk for document in documents]
        members = trashed_documents().filter(container__in=[document.pk for document in level])
        level = list(members.exclude(pk__in=known))
        documents += level
    if not documents:
        raise DocumentNotFoundError
    lock_documents([document.pk for document in documents])
    return documents


def _removals(document_ids: Sequence[UUID]) -> JobQuerySet[IngestionJob]:
    jobs: JobQuerySet[IngestionJob] = IngestionJob.objects.filter(
        document_id__in=document_ids, kind=JobKind.PURGE
    )
    return jobs.unfinished()


def _record(actor: Actor, action: str, documents: Sequence[Document]) -> None:
    for workspace_id, own in by_workspace(documents).items():
        record(
            actor=actor,
            action=action,
            target=own[0] if len(own) == 1 else None,
            workspace_id=workspace_id,
            new={str(document.pk): document.sha256 for document in own},
        )
