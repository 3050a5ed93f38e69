"""Files that are made of several stored ones."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import IO, Any

from django.core.files.storage import default_storage


class JoinedFiles(io.RawIOBase):
    """Stored files, one after the other, to be read once. `md5` is that of what has been read. Reading raises
    FileNotFoundError."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self._names = iter(names)
        self._part: IO[Any] | None = None
        self.md5 = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = b""
        while not piece:
            if self._part is None:
                if (name := next(self._names, None)) is None:
                    return 0
                self._part = default_storage.open(name)
            piece = self._part.read(len(buffer))
            if not piece:
                self._part.close()
                self._part = None
        buffer[: len(piece)] = piece
        self.md5.update(piece)
        return len(piece)
