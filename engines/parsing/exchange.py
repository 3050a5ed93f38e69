"""The exchange with a child process: a request, its answer within its time, and what is printed meanwhile; and further ones
if the child is shared."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from contextlib import suppress
from typing import IO, Any
from uuid import UUID

from engines.parsing import ParseError, job, requests
from engines.parsing.answers import Answer
from engines.parsing.frames import PREFIX, FrameError, FrameKind
from engines.parsing.job import Limits

_LOG_TAIL_BYTES = 4_000
_READ_BYTES = 1 << 20
# For so long a shared child reads files: little of the time and memory that a file may take.
_SHARED_SECONDS = 1.0


class Exchange:
    """The worker's ends of the channel and log of a child, which is made before its file is known."""

    def __init__(self, limits: Limits, control: socket.socket, announcement: dict[str, Any]) -> None:
        """Have the warm process at the other end of `control` make the child. Raise OSError if it has ended."""
        self._limits = limits
        self._channel, child_channel = socket.socketpair()
        self._log, child_log = os.pipe()
        self.log_tail = b""
        self._sharer: UUID | None = None
        self._started = self._deadline = self._used_seconds = 0.0
        self._pages = 0
        try:
            handles = [child_channel.fileno(), child_log]
            socket.send_fds(control, [json.dumps(announcement).encode()], handles)
        except OSError:
            self.close()
            raise
        finally:
            child_channel.close()
            os.close(child_log)

    def may_request(self, sharer: UUID | None) -> bool:
        """Whether the child is new, or has read only files of this tenant, and may read more."""
        return not self.has_read or (sharer is not None and sharer == self._sharer)

    @property
    def has_read(self) -> bool:
        """Whether the child was given a file already."""
        return self._started > 0

    def request(self, file: IO[bytes], filename: str, sharer: UUID | None, page: int) -> None:
        """Send the file, its name, and the page to draw, or 0. `sharer` is the tenant whose next files the child may
        read, too."""
        self._sharer, self._pages, self.log_tail = sharer, 0, b""
        # If the child has failed, there is no answer.
        with suppress(BrokenPipeError, ConnectionResetError):
            requests.send(self._channel, file, filename, is_shared=sharer is not None, page=page)

    def read(self, answer: Answer) -> bool:
        """Add the frames to the answer. Return whether it is complete; otherwise the child, and all that it started, have
        closed the channel before. Raise ParseError if a limit is exceeded, and FrameError if the frames are not those of an
        answer."""
        self._started = time.monotonic()
        self._restart_timeout()
        while prefix := self._receive(PREFIX.size):
            number, size = PREFIX.unpack(prefix)
            if number not in set(FrameKind):
                raise FrameError(f"a frame of kind {number} is unknown")
            kind = FrameKind(number)
            if size > answer.max_bytes(kind):
                if kind is FrameKind.ELEMENTS:
                    raise ParseError("output_too_large", limit=self._limits.text_mb)
                raise FrameError(f"a frame {kind.name} of {size} bytes is too large")
            if kind is FrameKind.END:
                self._used_seconds += time.monotonic() - self._started
                return True
            answer.add(kind, self._receive(size))
            if kind is FrameKind.PAGE:
                self._pages += 1
                self._restart_timeout()
        return False

    def is_reusable(self) -> bool:
        return self._sharer is not None and self._used_seconds < _SHARED_SECONDS

    def close(self) -> None:
        self._drain_log()
        self._channel.close()
        os.close(self._log)

    def _restart_timeout(self) -> None:
        last = self._started + job.WALL_FACTOR * self._limits.total_seconds(self._pages)
        self._deadline = min(time.monotonic() + job.WALL_FACTOR * self._limits.seconds, last)

    def _receive(self, size: int) -> bytes:
        """Return that many bytes, or fewer at the end of the channel."""
        data = bytearray()
        while len(data) < size:
            self._wait_until_readable()
            try:
                part = self._channel.recv(min(size - len(data), _READ_BYTES))
            except ConnectionResetError:
                break
            if not part:
                break
            data += part
        return bytes(data) if len(data) == size else b""

    def _wait_until_readable(self) -> None:
        while (seconds := self._deadline - time.monotonic()) > 0:
            channel = self._channel.fileno()
            ready, _, _ = select.select([channel, self._log], [], [], seconds)
            if self._log in ready:
                self._drain_log()
            if channel in ready:
                return
        raise ParseError("parse_timeout", seconds=job.WALL_FACTOR * self._limits.seconds)

    def _drain_log(self) -> None:
        """Read what has been printed, and keep its end."""
        if select.select([self._log], [], [], 0)[0]:
            self.log_tail = (self.log_tail + os.read(self._log, _READ_BYTES))[-_LOG_TAIL_BYTES:]
