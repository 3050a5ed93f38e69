"""Files that are uploaded in parts. Each part is a request of its own, so that one that fails is sent again alone, and a
process that is killed loses none that was answered."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.core.files import File
from django.db.models import Sum
from django.utils import timezone

from audit.services import record
from core import storage
from core.actors import Actor, system_actor
from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.names import printable
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import charge
from knowledge.errors import (
    ChecksumInvalidError,
    PartsInvalidError,
    PartTooLargeError,
    StoredFileMissingError,
    UploadEndedError,
)
from knowledge.models import FileUpload, StoredFile, UploadPart
from knowledge.storage.files import UPLOAD_PARTS, UPLOADED_FILES
from knowledge.storage.parts import JoinedFiles

MAX_BYTES, MAX_PART_BYTES = 8 << 30, 64 << 20
LIFETIME = timedelta(days=1)


def create_upload(*, actor: Actor, filename: str, purpose: str, size_bytes: int) -> FileUpload:
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        upload: FileUpload = FileUpload.objects.create(
            filename=printable(filename)[:255],
            purpose=purpose,
            size_bytes=size_bytes,
            bound_id=actor.bound[1] if actor.bound else None,
            expires_at=timezone.now() + LIFETIME,
        )
        new = {"filename": upload.filename, "size_bytes": size_bytes}
        record(actor=actor, action="upload.created", target=upload, new=new)
    return upload


def add_part(*, actor: Actor, upload: FileUpload, data: File[bytes]) -> UploadPart:
    """To be called outside of a transaction. Raises UploadEndedError, PartTooLargeError, QuotaExceededError."""
    actor.require(Role.EDITOR)
    if data.size > MAX_PART_BYTES:
        raise PartTooLargeError(f"A part may have {MAX_PART_BYTES:,} bytes. Send smaller ones.")
    with (
        UPLOAD_PARTS.keeping(data, actor.tenant_id, upload.pk) as path,
        tenant_scope(actor.tenant_id),
    ):
        _lock_pending(upload)
        charge(actor=actor, amounts={QuotaKind.STORAGE: data.size})
        part: UploadPart = UploadPart.objects.create(upload=upload, size_bytes=data.size, file_path=path)
        record(actor=actor, action="upload.part_added", target=part, new={"size_bytes": data.size})
    return part


def complete_upload(
    *, actor: Actor, upload: FileUpload, part_ids: Sequence[UUID], md5: str = ""
) -> StoredFile:
    """Make the file of these parts, in this order; others are removed. To be called outside of a transaction. Raises
    UploadEndedError, PartsInvalidError, ChecksumInvalidError, StoredFileMissingError."""
    actor.require(Role.EDITOR)
    parts = JoinedFiles(_paths_of(actor, upload, part_ids))
    file = File(io.BufferedReader(parts, storage.PIECE_BYTES), name=upload.filename)
    try:
        with UPLOADED_FILES.keeping(file, actor.tenant_id, upload.pk) as path:
            if md5 and parts.md5.hexdigest() != md5.lower():
                raise ChecksumInvalidError
            stored = _finish(actor, upload, path)
    except FileNotFoundError:
        raise StoredFileMissingError from None
    clear_upload(actor=actor, upload=upload)
    return stored


def _paths_of(actor: Actor, upload: FileUpload, part_ids: Sequence[UUID]) -> list[str]:
    """Where the parts are stored, in their order. Raises UploadEndedError, PartsInvalidError."""
    if upload.state != "pending":
        raise UploadEndedError
    with tenant_scope(actor.tenant_id):
        parts = {part.pk: part for part in UploadPart.objects.filter(upload=upload, pk__in=part_ids)}
    if len(parts) < len(part_ids):
        raise PartsInvalidError("Some are no parts of this upload, or are there twice.")
    if (size := sum(part.size_bytes for part in parts.values())) != upload.size_bytes:
        raise PartsInvalidError(f"These parts have {size:,} bytes, and the file has {upload.size_bytes:,}.")
    return [parts[pk].file_path for pk in part_ids]


def _finish(actor: Actor, upload: FileUpload, path: str) -> StoredFile:
    with tenant_scope(actor.tenant_id):
        _lock_pending(upload)
        change = upload.size_bytes - _forget_parts(upload)
        charge(actor=actor, amounts={QuotaKind.STORAGE: change})
        stored: StoredFile = StoredFile.objects.create(
            pk=upload.pk,
            filename=upload.filename,
            purpose=upload.purpose,
            size_bytes=upload.size_bytes,
            file_path=path,
            bound_id=upload.bound_id,
        )
        upload.completed_at = timezone.now()
        upload.save(update_fields=["completed_at"])
        record(actor=actor, action="upload.completed", target=upload, new={"filename": stored.filename})
    return stored


def cancel_upload(*, actor: Actor, upload: FileUpload) -> None:
    """Its parts are removed. To be called outside of a transaction. Raises UploadEndedError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        _lock_pending(upload)
        upload.cancelled_at = timezone.now()
        upload.save(update_fields=["cancelled_at"])
        record(actor=actor, action="upload.cancelled", target=upload, old={"filename": upload.filename})
    clear_upload(actor=actor, upload=upload)


def clear_uploads() -> int:
    """Remove the parts of uploads that have ended, in all tenants. Returns the number of uploads."""
    cleared = 0
    for tenant_id in all_tenants():
        with tenant_scope(tenant_id):
            uploads = list(FileUpload.to_clear())
        for upload in uploads:
            clear_upload(actor=system_actor(tenant_id, "clear_uploads"), upload=upload)
        cleared += len(uploads)
    return cleared


def clear_upload(*, actor: Actor, upload: FileUpload) -> None:
    """Remove the parts of an upload that has ended, also those whose rows a killed process has not written. To be called
    outside of a transaction."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        charge(actor=actor, amounts={QuotaKind.STORAGE: -_forget_parts(upload)})
    storage.remove(UPLOAD_PARTS.files_of(actor.tenant_id, upload.pk))
    with tenant_scope(actor.tenant_id):
        FileUpload.objects.filter(pk=upload.pk).update(cleared_at=timezone.now())
        if upload.state == "expired":
            record(actor=actor, action="upload.expired", target=upload, old={"filename": upload.filename})


def _forget_parts(upload: FileUpload) -> int:
    """Inside a scope: delete the rows of the parts. Returns their bytes."""
    parts = UploadPart.objects.filter(upload=upload)
    size: int = parts.aggregate(size=Sum("size_bytes", default=0))["size"]
    parts.delete_rows()
    return size


def _lock_pending(upload: FileUpload) -> None:
    """Inside a scope: no other request ends the upload before the scope does. Raises UploadEndedError."""
    if FileUpload.objects.select_for_update().get(pk=upload.pk).state != "pending":
        raise UploadEndedError
