"""Files and folders on disk as uploads: what `ingest` reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from core.error_codes import sentence
from knowledge.errors import UploadInvalidError
from knowledge.storage.sidecars import SUFFIX, Sidecar, read_sidecar
from knowledge.storage.values import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A path that cannot be uploaded."""

    file: str
    code: str
    detail: str


def unreadable(path: Path, code: str, **facts: object) -> Unreadable:
    return Unreadable(file=str(path), code=code, detail=sentence(code, **facts))


def uploads_in(paths: Sequence[Path]) -> Iterator[Upload | Unreadable]:
    """Every file below the paths, folders in the order of their names. Hidden files and sidecars (`NAME.meta.json`) are
    no documents; links that lead nowhere or in a circle are passed over. Of two files with one name to go by, the
    second is refused: it would replace the first."""
    seen: dict[str, Path] = {}
    for root in paths:
        if not os.access(root, os.R_OK):
            yield unreadable(root, "file_not_found", name=root)
            continue
        for path in [root] if root.is_file() else _files_below(root):
            identity = _printable(path.name if path == root else path.relative_to(root).as_posix())
            first = seen.setdefault(identity, path)
            if first == path:
                yield _upload(path, identity)
            elif not first.samefile(path):
                yield unreadable(path, "same_name", other=first, identity=identity)


def _files_below(folder: Path) -> Iterator[Path]:
    """OYL's own data folder is passed over: its files are in it already."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or (path.is_dir() and path.resolve() == settings.OYL_DATA_DIR):
            continue
        if path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            yield from [] if path.is_symlink() else _files_below(path)
        elif (path.is_file() or path.is_dir()) and not path.name.endswith(SUFFIX):
            yield path  # a folder that may not be read will be named


def _upload(path: Path, identity: str) -> Upload | Unreadable:
    try:
        with path.open("rb"):
            sidecar = _sidecar(path)
        return Upload(
            external_id=identity,
            filename=_printable(path.name),
            path=path,
            metadata=sidecar.metadata,
            tags=sidecar.tags,
        )
    except (OSError, UploadInvalidError) as error:
        return unreadable(path, "file_unreadable", reason=error)


def _printable(name: str) -> str:
    """File names are bytes; those that are no UTF-8 are shown with replacement characters."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _sidecar(path: Path) -> Sidecar:
    """What is said beside the file. Raises UploadInvalidError."""
    sidecar = path.with_name(path.name + SUFFIX)
    return read_sidecar(sidecar.name, sidecar.read_bytes()) if sidecar.is_file() else Sidecar()
