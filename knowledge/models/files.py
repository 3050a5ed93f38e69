"""Files that are uploaded before documents are made from them."""

from __future__ import annotations

import re
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F

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
