"""Many clients with one key that follow events, and many that read a large file slowly."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from uuid import UUID

from tests.proof.connections.server import Server

PIECE_BYTES, PAUSE_SECONDS = (
    1024,
    0.05,
)  # 20 kB a second: a client that reads less is disconnected after a while


class Crowd:
    """`answers` counts the answers to the last crowd by what was requested and the status; "429" only if it says when to
    try again."""

    def __init__(self, server: Server, *, key: str, document: UUID, each: int) -> None:
        self._server, self._key, self._each = server, key, each
        self._folder = f"/api/v1/documents/{document}"
        self.answers: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def present(self) -> Iterator[None]:
        self.answers.clear()
        served = [*self._served("events"), *self._served("content")]
        has_ended = Event()
        reader = Thread(target=self._read, args=[served, has_ended])
        reader.start()
        try:
            yield
        finally:
            has_ended.set()
            reader.join()
            for opened in served:
                opened.close()

    def _served(self, what: str) -> list[socket.socket]:
        served: list[socket.socket] = []
        for _ in range(self._each):
            opened = self._server.connect(receive_buffer=2048)
            opened.sendall(
                f"GET {self._folder}/{what}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {self._key}\r\n\r\n".encode()
            )
            status = self._status_of(opened)
            self.answers[what, status] += 1
            if status == "200":
                opened.setblocking(False)
                served.append(opened)
            else:
                opened.close()
        return served

    def _status_of(self, opened: socket.socket) -> str:
        head = b""
        while b"\r\n\r\n" not in head:
            head += opened.recv(256)
        status = head.split()[1].decode()
        is_told_when = b"\r\nretry-after: " in head.lower()
        return status if status == "200" or is_told_when else f"{status} without Retry-After"

    def _read(self, served: list[socket.socket], has_ended: Event) -> None:
        while not has_ended.is_set():
            for opened in served:
                with suppress(BlockingIOError):
                    opened.recv(PIECE_BYTES)
            time.sleep(PAUSE_SECONDS)
