"""Files and folders on disk as uploads: what `ingest` reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from knowledge.errors import UploadInvalidError
from knowledge.services.documents import Upload

SIDECAR = ".meta.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A path that cannot be uploaded."""

    file: str
    code: str
    detail: str


def uploads_in(paths: Sequence[Path]) -> Iterator[Upload | Unreadable]:
    """Every file below the paths, folders in the order of their names. Hidden files and sidecars (`NAME.meta.json`) are
    no documents; links that lead nowhere or in a circle are passed over. Of two files with one name to go by, the
    second is refused: it would replace the first."""
    seen: dict[str, Path] = {}
    for root in paths:
        if not os.access(root, os.R_OK):
            detail = f"There is no file or folder '{root}' that may be read."
            yield Unreadable(file=str(root), code="file_not_found", detail=detail)
            continue
        for path in [root] if root.is_file() else _files_below(root):
            identity = _printable(path.name if path == root else path.relative_to(root).as_posix())
            first = seen.setdefault(identity, path)
            if first == path:
                yield _upload(path, identity)
            elif not first.samefile(path):
                yield _namesake(path, first, identity)


def _files_below(folder: Path) -> Iterator[Path]:
    """OYL's own data folder is passed over: its files are in it already."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.resolve() == settings.OYL_DATA_DIR:
            continue
        if path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            yield from [] if path.is_symlink() else _files_below(path)
        elif (path.is_file() or path.is_dir()) and not path.name.endswith(SIDECAR):
            yield path  # a folder that may not be read will be named


def _namesake(path: Path, first: Path, identity: str) -> Unreadable:
    detail = f"'{first}' would be '{identity}' in the reference too. Ingest the folder that holds both."
    return Unreadable(file=str(path), code="same_name", detail=detail)


def _upload(path: Path, identity: str) -> Upload | Unreadable:
    try:
        with path.open("rb"):
            sidecar = _sidecar(path)
        return Upload(
            external_id=identity,
            filename=_printable(path.name),
            path=path,
            metadata=sidecar.get("metadata", {}),
            tags=tuple(sidecar.get("tags", ())),
        )
    except (OSError, UploadInvalidError) as error:
        return Unreadable(file=str(path), code="file_unreadable", detail=str(error))


def _printable(name: str) -> str:
    """File names are bytes; those that are no UTF-8 are shown with replacement characters."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _sidecar(path: Path) -> dict[str, Any]:
    """`{"metadata": {…}, "tags": […]}` beside the file. Raises UploadInvalidError."""
    sidecar = path.with_name(path.name + SIDECAR)
    if not sidecar.is_file():
        return {}
    try:
        found = json.loads(sidecar.read_text())
    except ValueError as error:
        raise UploadInvalidError(f"'{sidecar.name}' is not JSON: {error}.") from error
    tags, metadata = (
        (found.get("tags", []), found.get("metadata", {})) if isinstance(found, dict) else (None, None)
    )
    if (
        not isinstance(metadata, dict)
        or not isinstance(tags, list)
        or not all(isinstance(t, str) for t in tags)
    ):
        raise UploadInvalidError(f'\'{sidecar.name}\' must be {{"metadata": {{…}}, "tags": ["…"]}}.')
    return {"metadata": metadata, "tags": tags}
