"""One call of every service of `knowledge` for files and uploads of OpenAI's clients, as in `calls`."""

from __future__ import annotations

from dataclasses import replace

from django.core.files.base import ContentFile
from django.utils import timezone

from core.permissions import Role
from knowledge.models import (
    Document,
    FileBatch,
    FileUpload,
    StoredFile,
    UploadPart,
)
from knowledge.services import (
    file_uploads,
    stored_files,
)
from knowledge.services.stored_files import Attachment
from tests.proof.tampering.call_context import Call, CallContext


def store_file(context: CallContext) -> Call:
    content = ContentFile(b"Text", name=context.name)
    return Call(
        make=lambda: stored_files.store_file(actor=context.actor, file=content, purpose="assistants"),
        is_done=context.has(StoredFile, filename=context.name),
    )


def delete_file(context: CallContext) -> Call:
    stored = context.stored_file()
    return Call(
        make=lambda: stored_files.delete_file(actor=context.actor, stored=stored),
        is_done=context.lacks(StoredFile, filename=context.name),
    )


def detach_document(context: CallContext) -> Call:
    """Made from a file, which stays: of another one, its original becomes one outside of any transaction."""
    document = context.document()
    document.external_id = context.stored_file().external_id
    return Call(
        make=lambda: stored_files.detach_document(actor=context.actor, document=document),
        is_done=context.lacks(Document, pk=document.pk),
    )


def attach_files(context: CallContext) -> Call:
    """One event for all documents that it creates."""
    stored = context.stored_file()
    return Call(
        make=lambda: stored_files.attach_files(
            actor=context.actor, reference_id=context.reference.pk, attachments=[Attachment(file=stored)]
        ),
        is_done=context.has(Document, external_id=stored.external_id),
    )


def create_upload(context: CallContext) -> Call:
    return Call(
        make=lambda: file_uploads.create_upload(
            actor=context.actor, filename=context.name, purpose="assistants", size_bytes=4
        ),
        is_done=context.has(FileUpload, filename=context.name),
    )


def add_part(context: CallContext) -> Call:
    upload = context.upload()
    return Call(
        make=lambda: file_uploads.add_part(actor=context.actor, upload=upload, data=ContentFile(b"Text")),
        is_done=context.has(UploadPart, upload=upload),
    )


def complete_upload(context: CallContext) -> Call:
    """The removal of its parts records nothing."""
    upload = context.upload()
    maker = replace(context.actor, role=Role.OWNER)
    part = file_uploads.add_part(actor=maker, upload=upload, data=ContentFile(b"Text"))
    return Call(
        make=lambda: file_uploads.complete_upload(actor=context.actor, upload=upload, part_ids=[part.pk]),
        is_done=context.has(StoredFile, pk=upload.pk),
    )


def cancel_upload(context: CallContext) -> Call:
    upload = context.upload()
    return Call(
        make=lambda: file_uploads.cancel_upload(actor=context.actor, upload=upload),
        is_done=context.lacks(FileUpload, pk=upload.pk, cancelled_at=None),
    )


def clear_upload(context: CallContext) -> Call:
    upload = context.upload(expires_at=timezone.now())
    return Call(
        make=lambda: file_uploads.clear_upload(actor=context.actor, upload=upload),
        is_done=context.lacks(FileUpload, pk=upload.pk, cleared_at=None),
    )


def create_batch(context: CallContext) -> Call:
    stored = context.stored_file()
    return Call(
        make=lambda: stored_files.create_batch(
            actor=context.actor, reference_id=context.reference.pk, attachments=[Attachment(file=stored)]
        ),
        is_done=context.has(FileBatch, file_ids=[stored.external_id]),
    )


def cancel_batch(context: CallContext) -> Call:
    batch = context.add(lambda: FileBatch.objects.create(reference=context.reference, file_ids=[]))
    return Call(
        make=lambda: stored_files.cancel_batch(actor=context.actor, batch=batch),
        is_done=context.lacks(FileBatch, pk=batch.pk, cancelled_at=None),
    )
