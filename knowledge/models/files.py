"""Files that are uploaded before documents are made from them."""

from __future__ import annotations

import re
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.isolation.fields import TenantForeignKey
from core.limits import Limit
from core.models import TenantModel
from core.name_fields import FileNameField
from knowledge.models.references import Reference

# The external ids of documents that were made from uploaded files.
FILE_ID = re.compile("file-[0-9a-f]{32}")


class StoredFile(TenantModel):
    """An uploaded file that documents can be made from, in any number of references. `bound_id` is the object that the
    uploading key was bound to, if any: keys bound to the same object see the file."""

    limit = Limit(50_000)

    filename = FileNameField(max_length=255)
    purpose = models.CharField(max_length=32)
    size_bytes = models.PositiveBigIntegerField()
    file_path = models.CharField(max_length=1024)
    bound_id = models.UUIDField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "files"

    def __str__(self) -> str:
        return self.filename

    @property
    def external_id(self) -> str:
        """The file's id below `/v1/`, and the external id of documents that are made from it."""
        return f"file-{self.pk.hex}"


class FileBatch(TenantModel):
    """Files that were added to a reference together, so that a client can poll for all of them, for 31 days. `file_ids` are
    the external ids of their documents."""

    limit = Limit(
        10_000,
        "reference",
        ends=F("created_at") + timedelta(days=1),
        remedy="Those of the last 24 hours count: wait, or put more files into each.",
    )

    reference = TenantForeignKey(Reference, related_name="file_batches")
    file_ids = ArrayField(models.CharField(max_length=64))
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "file_batches"
        verbose_name_plural = "file batches"

    def __str__(self) -> str:
        return f"{len(self.file_ids)} files for {self.reference}"


class FileUpload(TenantModel):
    """A file that is uploaded in parts, until it is completed or cancelled, or expires. A file made of one has its id.
    `cleared_at` is when its parts were removed from the storage."""

    limit = Limit(
        1_000,
        ends=Coalesce("completed_at", "cancelled_at", "expires_at"),
        remedy="Complete or cancel some first.",
    )

    filename = FileNameField(max_length=255)
    purpose = models.CharField(max_length=32)
    size_bytes = models.PositiveBigIntegerField()
    bound_id = models.UUIDField(null=True, blank=True)
    expires_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "file_uploads"

    def __str__(self) -> str:
        return self.filename

    @classmethod
    def to_clear(cls) -> QuerySet[FileUpload]:
        """Inside a scope: those that have ended, and of which parts may be stored."""
        rows: QuerySet[FileUpload] = cls.objects.filter(cleared_at=None)
        ended = (
            Q(completed_at__isnull=False) | Q(cancelled_at__isnull=False) | Q(expires_at__lte=timezone.now())
        )
        return rows.filter(ended)

    @property
    def state(self) -> str:
        """`pending`, `completed`, `cancelled` or `expired`."""
        if self.completed_at or self.cancelled_at:
            return "completed" if self.completed_at else "cancelled"
        return "pending" if self.expires_at > timezone.now() else "expired"


class UploadPart(TenantModel):
    """Bytes of a file that is uploaded in parts. Their order is known when it is completed."""

    limit = Limit(10_000, "upload", remedy="Cancel it, and send larger parts to a new one.")

    upload = TenantForeignKey(FileUpload, related_name="parts")
    size_bytes = models.PositiveBigIntegerField()
    file_path = models.CharField(max_length=1024)

    class Meta(TenantModel.Meta):
        db_table = "upload_parts"

    def __str__(self) -> str:
        return f"{self.size_bytes} bytes of {self.upload}"
