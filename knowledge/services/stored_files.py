"""Uploaded files, and the documents that are made from them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.services import record
from core import storage
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.names import printable
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import charge, count
from knowledge.errors import StoredFileMissingError
from knowledge.models import Document, DocumentStatus, FileBatch, Reference, StoredFile
from knowledge.models.files import FILE_ID
from knowledge.services.adding import add_documents
from knowledge.services.changing import delete_documents
from knowledge.storage.files import UPLOADED_FILES
from knowledge.storage.values import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file to make a document from, and the document's metadata."""

    file: StoredFile
    metadata: dict[str, Any] = field(default_factory=dict)


def store_file(*, actor: Actor, file: File[bytes], purpose: str, pk: UUID | None = None) -> StoredFile:
    """Keep a file until documents are made from it. To be called outside of a transaction. Raises QuotaExceededError."""
    actor.require(Role.EDITOR)
    pk = pk or new_id()
    with (
        UPLOADED_FILES.keeping(file, actor.tenant_id, pk) as path,
        tenant_scope(actor.tenant_id),
    ):
        charge(actor=actor, amounts={QuotaKind.STORAGE: file.size})
        stored: StoredFile = StoredFile.objects.create(
            pk=pk,
            filename=printable(str(file.name))[:255],
            purpose=purpose,
            size_bytes=file.size,
            file_path=path,
            bound_id=actor.bound[1] if actor.bound else None,
        )
        record(actor=actor, action="file.created", target=stored, new={"filename": stored.filename})
    return stored


def delete_file(*, actor: Actor, stored: StoredFile) -> None:
    """With the documents that were made from it, in all references."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        documents = Document.objects.filter(external_id=stored.external_id)
        if ids := list(documents.values_list("pk", flat=True)):
            delete_documents(actor=actor, document_ids=ids)
        record(actor=actor, action="file.deleted", target=stored, old={"filename": stored.filename})
        transaction.on_commit(partial(storage.remove, [stored.file_path]))
        count(actor=actor, amounts={QuotaKind.STORAGE: -stored.size_bytes})
        stored.delete()


def detach_document(*, actor: Actor, document: Document) -> None:
    """Take it out of its reference. Its original stays as a file: the one that it was made from, or, if it was added in
    another way, a new one with the document's id. To be called outside of a transaction. Raises StoredFileMissingError,
    QuotaExceededError."""
    actor.require(Role.EDITOR)
    if not FILE_ID.fullmatch(document.external_id):
        try:
            with default_storage.open(document.file_path) as original:
                file = File(original, name=document.filename)
                store_file(actor=actor, file=file, purpose="assistants", pk=document.pk)
        except FileNotFoundError:
            raise StoredFileMissingError from None
    delete_documents(actor=actor, document_ids=[document.pk])


def attach_files(*, actor: Actor, reference_id: UUID, attachments: Sequence[Attachment]) -> None:
    """Make documents from files. Each document has a copy, so that either can be deleted without the other. To be called
    outside of a transaction. Raises StoredFileMissingError, and as `add_documents`."""
    with ExitStack() as stack:
        uploads = []
        for attachment in attachments:
            file = attachment.file
            try:
                path = stack.enter_context(storage.local_copy(file.file_path))
            except FileNotFoundError:
                raise StoredFileMissingError from None
            uploads.append(
                Upload(
                    external_id=file.external_id,
                    filename=file.filename,
                    path=path,
                    metadata=attachment.metadata,
                )
            )
        add_documents(actor=actor, reference_id=reference_id, uploads=uploads)


def create_batch(*, actor: Actor, reference_id: UUID, attachments: Sequence[Attachment]) -> FileBatch:
    """Record which files were attached together, so that clients can poll for all of them."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        reference = Reference.objects.get(pk=reference_id)
        ids = [attachment.file.external_id for attachment in attachments]
        batch: FileBatch = FileBatch.objects.create(reference=reference, file_ids=ids)
        record(
            actor=actor,
            action="file_batch.created",
            target=batch,
            workspace_id=reference.workspace_id,
            new={"files": ids},
        )
    return batch


def documents_of_batch(batch: FileBatch) -> QuerySet[Document]:
    """Inside a scope."""
    rows: QuerySet[Document] = Document.objects.filter(
        reference=batch.reference_id, external_id__in=batch.file_ids
    )
    return rows


def cancel_batch(*, actor: Actor, batch: FileBatch) -> None:
    """Delete the batch's documents that cannot be searched yet. Do nothing when it was cancelled before."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        if not FileBatch.objects.filter(pk=batch.pk, cancelled_at=None).update(cancelled_at=timezone.now()):
            return
        batch.refresh_from_db(fields=["cancelled_at"])
        unpublished = documents_of_batch(batch).filter(generation=0)
        documents = unpublished.exclude(processed_status=DocumentStatus.ERROR)
        if ids := list(documents.values_list("pk", flat=True)):
            delete_documents(actor=actor, document_ids=ids)
        record(actor=actor, action="file_batch.cancelled", target=batch, new={"documents": len(ids)})
