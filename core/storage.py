"""Stored files. Each kind of file has a folder of its own below the tenant's, so that apps do not mix up their files.

A file's name is made of ids: `tenants/<tenant>/<kind>/<owner>/<name>`; the name that users give never becomes a path.
Nothing here is called inside a transaction.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from django.core.files import File
from django.core.files.storage import default_storage

PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileDigest:
    sha256: str
    size_bytes: int


def digest(path: Path) -> FileDigest:
    with path.open("rb") as file:
        return FileDigest(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


@dataclass(frozen=True, slots=True)
class FileStore:
    """The stored files of one kind, such as "documents"; each belongs to an owner, an object of the tenant."""

    kind: str

    def folder(self, tenant_id: UUID, owner_id: UUID) -> str:
        return f"tenants/{tenant_id}/{self.kind}/{owner_id}"

    def save(self, file: File[bytes], tenant_id: UUID, owner_id: UUID, name: object) -> str:
        """Copy an open file into the storage; returns its full name there."""
        return default_storage.save(f"{self.folder(tenant_id, owner_id)}/{name}", file)

    @contextmanager
    def keeping(self, file: File[bytes], tenant_id: UUID, owner_id: UUID) -> Iterator[str]:
        """Store a file, for the block that writes its row. If either fails, nothing of it is left."""
        name = f"{self.folder(tenant_id, owner_id)}/{uuid4().hex}"
        try:
            default_storage.save(name, file)
            flush([name])
            yield name
        except BaseException:
            remove([name])
            raise

    def files_of(self, tenant_id: UUID, owner_id: UUID) -> list[str]:
        """The full names of an owner's files."""
        folder = self.folder(tenant_id, owner_id)
        return [f"{folder}/{name}" for name in _listed(folder)[1]]

    def all_files(self, tenant_id: UUID) -> Iterator[str]:
        """The full names of all files below this kind's folder of the tenant, at any depth."""
        return _files_below(f"tenants/{tenant_id}/{self.kind}")

    def owner_of(self, name: str) -> UUID | None:
        """The owner in whose folder a stored file lies; None when the folder's name is no id."""
        try:
            return UUID(name.split("/")[3])
        except (ValueError, IndexError):
            return None


def flush(names: Iterable[str]) -> None:
    """Wait until these files are on the disk: a power failure must not lose a file that the database already names. A
    storage on another machine has written a file when `save` returns."""
    for name in names:
        with suppress(NotImplementedError), Path(default_storage.path(name)).open("rb") as file:
            os.fsync(file.fileno())


@contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """The stored file as a local path. Raises FileNotFoundError."""
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:
        with tempfile.TemporaryDirectory(prefix="oyl-file-") as scratch, default_storage.open(name) as stored:
            path = Path(scratch) / "file"
            with path.open("wb") as local:
                shutil.copyfileobj(stored, local, PIECE_BYTES)
            yield path
    else:
        if not path.is_file():
            raise FileNotFoundError(name)
        yield path


def remove(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)


def _files_below(folder: str) -> Iterator[str]:
    if _is_behind_link(folder):
        return
    folders, names = _listed(folder)
    yield from (f"{folder}/{name}" for name in names)
    for name in folders:
        yield from _files_below(f"{folder}/{name}")


def _is_behind_link(folder: str) -> bool:
    """Links are not followed, at whichever level: what is behind one may belong to another app or tenant."""
    try:
        root, path = Path(default_storage.path("")), Path(default_storage.path(folder))
    except NotImplementedError:  # a storage without paths has no links
        return False
    return path.resolve() != root.resolve() / folder


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """The names of the folders and of the files in a folder."""
    try:
        return default_storage.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return [], []
