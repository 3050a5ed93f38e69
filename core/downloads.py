"""Responses that stream a stored file."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from django.core.files.storage import default_storage
from django.http import FileResponse  # noqa: TID251

from core.concurrency import Kind
from core.connections import run_in_thread
from core.storage import PIECE_BYTES

MEDIA_TYPE = "application/octet-stream"
LOOK_SECONDS = 2.0


class Download(FileResponse):
    """Always an attachment, because a browser must not run a stored HTML page on our origin. `is_allowed` is set by the
    middleware that knows the sender."""

    block_size = PIECE_BYTES
    kind = Kind.DOWNLOAD
    is_allowed: Callable[[], bool] | None = None

    def __init__(self, path: str, *, filename: str) -> None:
        """`path` is its name in the storage. Raises FileNotFoundError."""
        stored = default_storage.open(path)
        super().__init__(stored, as_attachment=True, filename=filename, content_type=MEDIA_TYPE)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the file piece by piece: Django would read all of it into memory first. Raises ConnectionAbortedError, which
        ends the connection, when the right to the file has ended; it is looked up again every two seconds."""
        pieces, looked = iter(self), time.monotonic()
        while piece := await run_in_thread(lambda: next(pieces, b"")):
            if self.is_allowed and time.monotonic() - looked > LOOK_SECONDS:
                if not await run_in_thread(self.is_allowed):
                    raise ConnectionAbortedError
                looked = time.monotonic()
            yield piece
