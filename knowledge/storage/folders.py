"""Files and folders on disk as uploads, for the `ingest` command."""

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
    """A path that cannot be uploaded, and why."""

    file: str
    code: str
    detail: str


def uploads_in(paths: Sequence[Path]) -> Iterator[Upload | Unreadable]:
    """Yield every file below the paths; folders are sorted by name. Hidden files and sidecars (`NAME.meta.json`) are no
    documents; broken and circular links are skipped. Of two files with the same name, the second is refused, because it
    would replace the first."""
    seen: dict[str, Path] = {}
    for root in paths:
        if not os.access(root, os.R_OK):
            yield _unreadable(root, "file_not_found", name=root)
            continue
        for path in [root] if root.is_file() else _files_below(root):
            identity = _printable(path.name if path == root else path.relative_to(root).as_posix())
            first = seen.setdefault(identity, path)
            if first == path:
                yield _upload(path, identity)
            elif not first.samefile(path):
                yield _unreadable(path, "same_name", other=first, identity=identity)


def _files_below(folder: Path) -> Iterator[Path]:
    """OYL's own data folder is skipped, because its files are ingested already."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or (path.is_dir() and path.resolve() == settings.OYL_DATA_DIR):
            continue
        if path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            yield from [] if path.is_symlink() else _files_below(path)
        elif (path.is_file() or path.is_dir()) and not path.name.endswith(SUFFIX):
            yield path  # an unreadable folder, too, so that it is reported


def _upload(path: Path, identity: str) -> Upload | Unreadable:
    sidecar, sidecar_path = Sidecar(), path.with_name(path.name + SUFFIX)
    try:
        with path.open("rb"):
            if sidecar_path.is_file():
                sidecar = read_sidecar(sidecar_path.name, sidecar_path.read_bytes())
    except (OSError, UploadInvalidError) as error:
        return _unreadable(path, "file_unreadable", reason=error)
    return Upload(
        external_id=identity,
        filename=_printable(path.name),
        path=path,
        metadata=sidecar.metadata,
        tags=sidecar.tags,
    )


def _unreadable(path: Path, code: str, **values: object) -> Unreadable:
    return Unreadable(file=str(path), code=code, detail=sentence(code, **values))


def _printable(name: str) -> str:
    """Replace the bytes of a file name that are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
