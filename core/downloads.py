"""Responses that stream a stored file, or a part of it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import IO

from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse, HttpResponseNotModified  # noqa: TID251

from core.concurrency import Kind
from core.conditional import Headers, is_unchanged, range_headers, wanted_range
from core.connections import run_in_thread
from core.storage import PIECE_BYTES

MEDIA_TYPE, TEXT = "application/octet-stream", "text/plain; charset=utf-8"
LOOK_SECONDS = 2.0


def etag_of(path: str) -> str:
    """A stored file never changes: another one has another path."""
    return f'"{hashlib.sha256(path.encode()).hexdigest()[:32]}"'


def part_of_text(text: str, request_headers: Headers) -> HttpResponse:
    """The text, or the bytes of it in UTF-8 that are asked for; 304 if the client has it already. Raises
    RangeNotSatisfiableError."""
    content = text.encode()
    etag, size = f'"{hashlib.sha256(content).hexdigest()[:32]}"', len(content)
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    if is_unchanged(request_headers, etag):
        return HttpResponseNotModified(headers=headers)
    wanted = wanted_range(request_headers, size=size, etag=etag)
    if wanted is None:
        return HttpResponse(content, content_type=TEXT, headers=headers)
    headers |= range_headers(wanted, size)
    return HttpResponse(content[wanted.start : wanted.stop], content_type=TEXT, headers=headers, status=206)


class Part:
    """Some bytes of an open file, as a file."""

    def __init__(self, file: IO[bytes], wanted: range) -> None:
        file.seek(wanted.start)
        self._file, self._left, self.close = file, len(wanted), file.close

    def read(self, size: int) -> bytes:
        piece = self._file.read(min(size, self._left))
        self._left -= len(piece)
        return piece


class Download(FileResponse):
    """Always an attachment, because a browser must not run a stored HTML page on our origin. `is_allowed` is set by the
    middleware that knows the sender."""

    block_size = PIECE_BYTES
    kind = Kind.DOWNLOAD
    is_allowed: Callable[[], Awaitable[bool]] | None = None

    def __init__(self, path: str, *, filename: str, headers: Headers) -> None:
        """`path` is its name in the storage, and `headers` are those of the request, which may ask for a part. Raises
        FileNotFoundError, RangeNotSatisfiableError."""
        size, etag = default_storage.size(path), etag_of(path)
        wanted = wanted_range(headers, size=size, etag=etag)
        part = Part(default_storage.open(path), range(size) if wanted is None else wanted)
        super().__init__(part, as_attachment=True, filename=filename, content_type=MEDIA_TYPE)
        described = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Length": str(size)}
        if wanted is not None:
            self.status_code = 206
            described |= range_headers(wanted, size)
        for name, value in described.items():
            self[name] = value

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the file piece by piece: Django would read all of it into memory first. Raises ConnectionAbortedError, which
        ends the connection, when the right to the file has ended; it is looked up again every two seconds."""
        pieces, looked = iter(self), time.monotonic()
        while piece := await run_in_thread(lambda: next(pieces, b"")):
            if self.is_allowed and time.monotonic() - looked > LOOK_SECONDS:
                if not await self.is_allowed():
                    raise ConnectionAbortedError
                looked = time.monotonic()
            yield piece


class OpenFileDownload(Download):
    """A whole file that is open, and may have no name any more."""

    def __init__(self, file: IO[bytes], *, filename: str, content_type: str) -> None:
        size = file.seek(0, os.SEEK_END)
        FileResponse.__init__(
            self, Part(file, range(size)), as_attachment=True, filename=filename, content_type=content_type
        )
        self["Content-Length"] = str(size)
