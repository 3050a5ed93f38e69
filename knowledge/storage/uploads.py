"""What a browser or an API's client sent, as files that can be added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile

from knowledge.errors import UploadInvalidError
from knowledge.models import TagSource
from knowledge.storage.sidecars import SUFFIX, Sidecar, read_sidecar
from knowledge.storage.values import Upload

LARGEST_SIDECAR = 1 << 20


@contextmanager
def local_uploads(
    files: Sequence[UploadedFile[Any]], *, metadata: dict[str, Any], tags: tuple[str, ...] | None
) -> Iterator[list[Upload]]:
    """As local files for as long as the block lasts; what users call them never becomes a path. All get the metadata and
    the tags, and each what its sidecar (`NAME.meta.json`) says of it. Raises UploadInvalidError."""
    sidecars = _sidecars(files)
    with TemporaryDirectory(prefix="oyl-upload-") as folder:
        yield [
            Upload(
                external_id=str(file.name),
                filename=str(file.name),
                path=_local(file, Path(folder) / str(number)),
                metadata={**metadata, **own.metadata},
                tags=tags if own.tags is None else (*(tags or ()), *own.tags),
                tag_source=TagSource.MANUAL,
            )
            for number, file in enumerate(files)
            if not _is_sidecar(file)
            for own in [sidecars.get(str(file.name), Sidecar())]
        ]


def _is_sidecar(file: UploadedFile[Any]) -> bool:
    return str(file.name).endswith(SUFFIX)


def _sidecars(files: Sequence[UploadedFile[Any]]) -> dict[str, Sidecar]:
    """{name of the file that it is beside: …}"""
    named = {str(file.name) for file in files}
    found = {}
    for file in filter(_is_sidecar, files):
        owner = str(file.name).removesuffix(SUFFIX)
        if owner not in named:
            raise UploadInvalidError(f"'{file.name}' says something of '{owner}', which is not sent with it.")
        if (file.size or 0) > LARGEST_SIDECAR:
            raise UploadInvalidError(f"'{file.name}' is larger than {LARGEST_SIDECAR:,} bytes.")
        found[owner] = read_sidecar(str(file.name), file.read())
    return found


def _local(file: UploadedFile[Any], path: Path) -> Path:
    """Large files are on the disk already."""
    if isinstance(file, TemporaryUploadedFile):
        return Path(file.temporary_file_path())
    with path.open("wb") as copy:
        copy.writelines(file.chunks())
    return path
