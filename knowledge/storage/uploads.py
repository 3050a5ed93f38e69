"""Uploads from browsers and API clients, as local files that can be added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile

from knowledge.errors import UploadInvalidError
from knowledge.models import TagSource
from knowledge.models.files import FILE_ID
from knowledge.storage.sidecars import SUFFIX, Sidecar, read_sidecar
from knowledge.storage.values import Upload

MAX_SIDECAR_BYTES = 1 << 20


@contextmanager
def local_uploads(
    files: Mapping[str, UploadedFile[Any]],
    *,
    metadata: dict[str, Any],
    tags: tuple[str, ...] | None,
    renames: bool = False,
) -> Iterator[list[Upload]]:
    """Provide the files, by their external ids, locally for as long as the block runs; their names never become paths.
    All get the metadata and the tags, and those of their own sidecar (`NAME.meta.json`). Raise UploadInvalidError."""
    sidecars = _read_sidecars(files)
    uploads: list[Upload] = []
    with TemporaryDirectory(prefix="oyl-upload-") as folder:
        for number, (name, file) in enumerate(files.items()):
            if name.endswith(SUFFIX):
                continue
            if FILE_ID.fullmatch(name) and not renames:
                raise UploadInvalidError(f"'{name}' has the form of the ids of /v1/files. Give another name.")
            if isinstance(file, TemporaryUploadedFile):  # a large file, which is on disk already
                path = Path(file.temporary_file_path())
            else:
                path = Path(folder) / str(number)
                with path.open("wb") as copy:
                    copy.writelines(file.chunks())
            sidecar = sidecars.get(name, Sidecar())
            upload = Upload(
                external_id=name,
                filename=str(file.name),
                path=path,
                metadata={**metadata, **sidecar.metadata},
                tags=tags if sidecar.tags is None else (*(tags or ()), *sidecar.tags),
                tag_source=TagSource.MANUAL,
                renames=renames,
            )
            uploads.append(upload)
        yield uploads


def _read_sidecars(files: Mapping[str, UploadedFile[Any]]) -> dict[str, Sidecar]:
    """Return the sidecars by the external id of the file that they belong to."""
    sidecars: dict[str, Sidecar] = {}
    for name, file in files.items():
        if not name.endswith(SUFFIX):
            continue
        owner = name.removesuffix(SUFFIX)
        if owner not in files:
            raise UploadInvalidError(f"'{name}' says something of '{owner}', which is not sent with it.")
        if (file.size or 0) > MAX_SIDECAR_BYTES:
            raise UploadInvalidError(f"'{name}' is larger than {MAX_SIDECAR_BYTES:,} bytes.")
        sidecars[owner] = read_sidecar(name, file.read())
    return sidecars
