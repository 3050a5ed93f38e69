"""The request that a child process gets: a file, its name, and the page of it that is to be drawn, if any.

A process of its own gets the open file, which may be in a folder that it cannot enter, or have no name any more. A shared
process gets the file's content, because after its first file it cannot receive open files.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# whether the process is shared, page to draw (0 if none is), bytes of the name, bytes of the content
_HEADER = struct.Struct(">?IIQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`file` is the open file for a process of its own; a shared process gets its `content`."""

    filename: str
    file: int | None = None
    content: bytes = b""
    page: int = 0

    @property
    def is_shared(self) -> bool:
        return self.file is None

    def path(self, folder: str) -> Path:
        """Return a path that the process may open, if it writes in this folder."""
        if self.file is not None:
            return Path(f"/proc/self/fd/{self.file}")
        path = Path(folder, "file")
        path.write_bytes(self.content)
        return path


def send(channel: socket.socket, file: IO[bytes], filename: str, *, is_shared: bool, page: int = 0) -> None:
    """Raise BrokenPipeError or ConnectionResetError if the child has ended."""
    name = filename.encode("utf-8", "surrogatepass")
    content = file.read() if is_shared else b""
    channel.sendall(_HEADER.pack(is_shared, page, len(name), len(content)) + name + content)
    if not is_shared:
        socket.send_fds(channel, [b"f"], [file.fileno()])


def receive(channel: int) -> Request:
    """Return the next one. End the process if the worker has none for it."""
    is_shared, page, name_bytes, content_bytes = _HEADER.unpack(_read(channel, _HEADER.size))
    filename = _read(channel, name_bytes).decode("utf-8", "surrogatepass")
    if is_shared:
        return Request(filename=filename, content=_read(channel, content_bytes))
    with socket.socket(fileno=os.dup(channel)) as connection:
        _, handles, _, _ = socket.recv_fds(connection, 1, 1)
    return Request(filename=filename, file=handles[0], page=page)


def _read(channel: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = os.read(channel, size - len(data))
        if not part:
            os._exit(0)
        data += part
    return bytes(data)
