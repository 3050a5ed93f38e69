"""Responses that stream a stored file."""

from __future__ import annotations

from collections.abc import AsyncIterator

from django.core.files.storage import default_storage
from django.http import FileResponse  # noqa: TID251

from core.concurrency import Kind
from core.connections import run_in_thread
from core.storage import PIECE_BYTES

MEDIA_TYPE = "application/octet-stream"


class Download(FileResponse):
    """Always an attachment, because a browser must not run a stored HTML page on our origin."""

    block_size = PIECE_BYTES
    kind = Kind.DOWNLOAD

    def __init__(self, path: str, *, filename: str) -> None:
        """`path` is its name in the storage. Raises FileNotFoundError."""
        stored = default_storage.open(path)
        super().__init__(stored, as_attachment=True, filename=filename, content_type=MEDIA_TYPE)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the file piece by piece: Django would read all of it into memory first."""
        pieces = iter(self)
        while piece := await run_in_thread(lambda: next(pieces, b"")):
            yield piece
