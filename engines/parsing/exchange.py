"""One file's exchange with its child process: the request, the answer within its time, and what is printed meanwhile."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path

from engines.parsing import ParseError
from engines.parsing.answers import Answer
from engines.parsing.frames import PREFIX, FrameError, FrameKind
from engines.parsing.job import Limits

_FOLDER_CHECK_SECONDS = 0.25
_MAX_FILES_IN_FOLDER = 20_000
_LOG_TAIL_BYTES = 4_000
_READ_BYTES = 1 << 20


class Exchange:
    """The worker's ends of the child's channel and log. `folder` is the child's; its size is limited here, where it is not a
    file system in memory."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._limits, self._folder = limits, folder
        self._channel, self._child_channel = socket.socketpair()
        self._log, self._child_log = os.pipe()
        self.log_tail = b""
        self._deadline = self._next_check = 0.0

    @property
    def child_handles(self) -> tuple[int, int]:
        return self._child_channel.fileno(), self._child_log

    def request(self, path: Path, filename: str) -> None:
        """Send the request. It must fit into the socket's buffer, because the child may not have started yet."""
        names = {"path": str(path), "filename": filename, "folder": str(self._folder)}
        body = json.dumps(names).encode()
        self._channel.sendall(struct.pack(">Q", len(body)) + body)

    def read(self, answer: Answer) -> None:
        """Add the frames to the answer until the child, and all that it started, have closed the channel. Raise ParseError
        if a limit is exceeded, and FrameError if the frames are not those of an answer."""
        self._child_channel.close()
        os.close(self._child_log)
        self._child_log = -1
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
            answer.add(kind, self._receive(size))
            if kind is FrameKind.PAGE:
                self._restart_timeout()

    def close(self) -> None:
        self._drain_log()
        self._channel.close()
        self._child_channel.close()
        for handle in (self._log, self._child_log):
            if handle >= 0:
                os.close(handle)

    def _restart_timeout(self) -> None:
        self._deadline = time.monotonic() + self._limits.seconds

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
        while True:
            now = time.monotonic()
            if now >= self._deadline:
                raise ParseError("parse_timeout", seconds=self._limits.seconds)
            if now >= self._next_check:
                self._check_folder()
                self._next_check = now + _FOLDER_CHECK_SECONDS
            channel = self._channel.fileno()
            ready, _, _ = select.select([channel, self._log], [], [], _FOLDER_CHECK_SECONDS)
            if self._log in ready:
                self._drain_log()
            if channel in ready:
                return

    def _drain_log(self) -> None:
        """Read what has been printed, and keep its end."""
        while self._log >= 0 and select.select([self._log], [], [], 0)[0]:
            part = os.read(self._log, _READ_BYTES)
            if not part:
                return
            self.log_tail = (self.log_tail + part)[-_LOG_TAIL_BYTES:]

    def _check_folder(self) -> None:
        limit = self._limits.folder_mb
        if _bytes_below(self._folder) > limit << 20:
            raise ParseError("unpacks_too_large", size=f"more than {limit}", limit=self._limits.output_mb)


def _bytes_below(folder: Path) -> int:
    """The size of all files in the folder on the disk; more than any limit if they are too many. Links are not followed."""
    total, files, folders = 0, 0, [str(folder)]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                files += 1
                if files > _MAX_FILES_IN_FOLDER:
                    return 1 << 62
                with suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    return total
