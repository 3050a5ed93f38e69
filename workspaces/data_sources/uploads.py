"""Files of requests as local files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile


@contextmanager
def local_file(file: UploadedFile[Any]) -> Iterator[Path]:
    """A large one is on the disk already."""
    if isinstance(file, TemporaryUploadedFile):
        yield Path(file.temporary_file_path())
        return
    with tempfile.NamedTemporaryFile(prefix="oyl-upload-") as copy:
        copy.writelines(file.chunks())
        copy.flush()
        yield Path(copy.name)
