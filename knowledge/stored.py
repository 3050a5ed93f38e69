"""What the quotas of stored things count of documents, files and chunks."""

from __future__ import annotations

from django.db.models import Count, Q, Sum

from core.quota_kinds import QuotaKind
from core.quota_upkeep import Stored
from knowledge.models import Chunk, Document, StoredFile, UploadPart


def stored() -> list[Stored]:
    documents, of_document = Document.objects.all(), "reference__workspace"
    with_files = Document.with_deleted.filter(Q(deleted_at=None) | Q(trashed_until__isnull=False))
    return [
        Stored(kind=QuotaKind.DOCUMENTS, rows=documents, amount=Count("pk"), workspace=of_document),
        Stored(
            kind=QuotaKind.STORAGE,
            rows=with_files,
            amount=Sum("size_bytes", default=0),
            workspace=of_document,
        ),
        *(
            Stored(kind=QuotaKind.STORAGE, rows=rows, amount=Sum("size_bytes", default=0))
            for rows in (StoredFile.objects.all(), UploadPart.objects.all())
        ),
        Stored(
            kind=QuotaKind.CHUNKS,
            rows=Chunk.objects.all(),
            amount=Count("pk"),
            workspace="document__reference__workspace",
        ),
    ]
