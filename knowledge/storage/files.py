"""Where the originals of documents and the uploaded files are stored."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.core.files import File

from core.storage import FileStore, remove

DOCUMENT_FILES = FileStore("documents")
UPLOADED_FILES = FileStore("files")
UPLOAD_PARTS = FileStore("uploads")
# The stores that `reconcile` compares with the database.
STORES = (DOCUMENT_FILES, UPLOADED_FILES, UPLOAD_PARTS)


def store_document(path: Path, tenant_id: UUID, document_id: UUID, generation: int) -> str:
    """Copy a local file into the storage, and return its name there."""
    with path.open("rb") as file:
        return DOCUMENT_FILES.save(File(file), tenant_id, document_id, generation)


def remove_older(tenant_id: UUID, document_id: UUID, *, generation: int, keep: str) -> None:
    """Remove a document's files of generations before `generation`, except `keep`, the one in use, and files that OYL did
    not store."""
    for name in DOCUMENT_FILES.files_of(tenant_id, document_id):
        # A file is named after its generation; the storage may have added a suffix.
        number = name.rpartition("/")[2].partition("_")[0]
        if name != keep and number.isdecimal() and int(number) < generation:
            remove([name])
