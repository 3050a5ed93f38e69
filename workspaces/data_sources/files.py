"""Where the rows of data sources and the files that were uploaded for them are stored."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.core.files import File
from django.core.files.storage import default_storage

from core.storage import FileStore, flush

ROWS, UPLOADS = FileStore("data-sources"), FileStore("data-uploads")


def store(kind: FileStore, path: Path, tenant_id: UUID, owner_id: UUID, name: object) -> str:
    """Copy a local file into the storage, and return its name there."""
    with path.open("rb") as file:
        stored = kind.save(File(file), tenant_id, owner_id, name)
    flush([stored])
    return stored


def local_paths(names: dict[str, str]) -> dict[str, Path]:
    """The stored files by the names of their tables. DuckDB reads them in place."""
    return {table: Path(default_storage.path(name)) for table, name in names.items()}
