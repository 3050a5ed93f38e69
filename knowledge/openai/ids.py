"""The prefixes of vector stores, files, batches and uploads."""

from __future__ import annotations

from core.api.openai.ids import as_id
from knowledge.models import Document
from knowledge.models.files import FILE_ID

STORE, FILE, BATCH, UPLOAD, PART = "vs_", "file-", "vsfb_", "upload_", "part_"


def file_id(document: Document) -> str:
    """The id of the file that the document was made from, or the document's own when it was added through another API."""
    is_from_file = FILE_ID.fullmatch(document.external_id)
    return document.external_id if is_from_file else as_id(FILE, document.pk)
