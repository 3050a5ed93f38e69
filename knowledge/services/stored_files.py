"""Uploaded files, and the documents that are made from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.services import record
from core import storage
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.permissions import Role
from knowledge.errors import StoredFileMissingError
from knowledge.models import Document, DocumentStatus, FileBatch, Reference, StoredFile
from knowledge.services.documents import add_documents, delete_documents
from knowledge.storage.files import UPLOADED_FILES
from knowledge.storage.values import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that is to be a document, and the metadata that it is to have there."""

    file: StoredFile
    metadata: dict[str, Any] = field(default_factory=dict)


def store_file(*, actor: Actor, file: File[bytes], purpose: str) -> StoredFile:
    """Keep a file until documents are made from it. To be called outside of a transaction."""
    actor.require(Role.EDITOR)
    pk = new_id()
    path = UPLOADED_FILES.save(file, actor.tenant_id, pk, "content")
    try:
        storage.flush([path])
        with tenant_scope(actor.tenant_id):
            stored: StoredFile = StoredFile.objects.create(
                pk=pk,
                filename=str(file.name)[:255],
                purpose=purpose,
                size_bytes=file.size,
                file_path=path,
                bound_id=actor.bound[1] if actor.bound else None,
            )
            record(actor=actor, action="file.created", target=stored, new={"filename": stored.filename})
    except BaseException:
        storage.remove([path])
        raise
    return stored


def delete_file(*, actor: Actor, stored: StoredFile) -> None:
    """With the documents that were made from it, in all references."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        made = list(Document.objects.filter(external_id=stored.external_id).values_list("pk", flat=True))
        if made:
            delete_documents(actor=actor, document_ids=made)
        record(actor=actor, action="file.deleted", target=stored, old={"filename": stored.filename})
        transaction.on_commit(partial(storage.remove, [stored.file_path]))
        stored.delete()


def attach_files(*, actor: Actor, reference_id: UUID, attachments: Sequence[Attachment]) -> None:
    """Make documents from files; each keeps bytes of its own, so that neither's end is the other's. To be called outside
    of a transaction. Raises StoredFileMissingError, and as `add_documents`."""
    with ExitStack() as stack:
        uploads = [
            Upload(
                external_id=one.file.external_id,
                filename=one.file.filename,
                path=stack.enter_context(_local_copy(one.file)),
                metadata=one.metadata,
            )
            for one in attachments
        ]
        add_documents(actor=actor, reference_id=reference_id, uploads=uploads)


@contextmanager
def _local_copy(file: StoredFile) -> Iterator[Path]:
    with ExitStack() as stack:
        try:
            path = stack.enter_context(storage.local_copy(file.file_path))
        except FileNotFoundError:
            raise StoredFileMissingError from None
        yield path


def create_batch(*, actor: Actor, reference_id: UUID, attachments: Sequence[Attachment]) -> FileBatch:
    """What was attached together, which tells how far it is."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        reference = Reference.objects.get(pk=reference_id)
        ids = [one.file.external_id for one in attachments]
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
    """Take out of the reference what is not yet found in it. Nothing happens when it was cancelled before."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        if not FileBatch.objects.filter(pk=batch.pk, cancelled_at=None).update(cancelled_at=timezone.now()):
            return
        batch.refresh_from_db(fields=["cancelled_at"])
        unread = documents_of_batch(batch).filter(generation=0).exclude(processed_status=DocumentStatus.ERROR)
        if ids := list(unread.values_list("pk", flat=True)):
            delete_documents(actor=actor, document_ids=ids)
        record(actor=actor, action="file_batch.cancelled", target=batch, new={"documents": len(ids)})
