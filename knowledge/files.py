"""The originals: where they are stored, and how they get there and back.

A file's place is made of ids alone; whatever a user calls a file never becomes a path. Nothing here is done inside a
transaction.
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
from uuid import UUID

from django.core.files import File
from django.core.files.storage import default_storage

PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Digest:
    sha256: str
    size_bytes: int


def digest(path: Path) -> Digest:
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def folder(tenant_id: UUID, document_id: UUID) -> str:
    return f"tenants/{tenant_id}/{document_id}"


def store(path: Path, tenant_id: UUID, document_id: UUID, generation: int) -> str:
    """Copy a local file into the storage; its name there."""
    with path.open("rb") as file:
        return save(File(file), tenant_id, document_id, generation)


def save(file: File[bytes], tenant_id: UUID, owner_id: UUID, generation: int = 1) -> str:
    """Copy an open file, of a document or as uploaded, into the storage; its name there."""
    return default_storage.save(f"{folder(tenant_id, owner_id)}/{generation}", file)


def flush(names: Iterable[str]) -> None:
    """Wait until these are on the disk: not even a power failure may lose what the database is then told of. A storage
    elsewhere has done so when it answers."""
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
                shutil.copyfileobj(stored, local, PIECE)
            yield path
    else:
        if not path.is_file():
            raise FileNotFoundError(name)
        yield path


def stored(tenant_id: UUID, document_id: UUID) -> list[str]:
    """Names of all that is stored for a document."""
    return _files_in(folder(tenant_id, document_id))


def stored_files(tenant_id: UUID) -> Iterator[str]:
    """Names of all that is stored for a tenant, at whatever depth and by whomever."""
    return _files_below(f"tenants/{tenant_id}")


def document_of(name: str) -> UUID | None:
    """The document in whose folder a stored file is; None when it is in no document's."""
    try:
        return UUID(name.split("/")[2])
    except ValueError:
        return None


def remove(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)


def remove_older(tenant_id: UUID, document_id: UUID, *, generation: int, keep: str) -> None:
    """Files of generations before `generation`, but for the one still in use, and for what is none of ours."""
    ours = ((name, _generation(name)) for name in stored(tenant_id, document_id) if name != keep)
    remove(name for name, made_for in ours if made_for is not None and made_for < generation)


def _generation(name: str) -> int | None:
    """The generation a stored file was made for (the storage may have added a suffix); None when somebody else put it
    there."""
    number = name.rpartition("/")[2].partition("_")[0]
    return int(number) if number.isdecimal() else None


def _files_in(root: str) -> list[str]:
    return [f"{root}/{name}" for name in _listed(root)[1]]


def _files_below(root: str) -> Iterator[str]:
    """Links to folders are passed over: what they lead to has a name of its own."""
    folders, names = _listed(root)
    yield from (f"{root}/{name}" for name in names)
    for folder in folders:
        if not _is_link(f"{root}/{folder}"):
            yield from _files_below(f"{root}/{folder}")


def _is_link(name: str) -> bool:
    try:
        return Path(default_storage.path(name)).is_symlink()
    except NotImplementedError:  # a storage without paths has no links
        return False


def _listed(root: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(root)
    except FileNotFoundError:
        return [], []
