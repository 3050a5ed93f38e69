"""The ways in which a client can leave a request unfinished."""

from __future__ import annotations

import random
import select
import socket
import time
from collections.abc import Callable
from uuid import UUID

from tests.proof.connections.server import Server, reset

PAUSES = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08)
LIST = "/api/v1/documents/"


class Aborts:
    """Requests of one key, with the session of one browser. Each method leaves one connection aborted."""

    def __init__(self, server: Server, *, key: str, session: str, document: UUID) -> None:
        self._server, self._document = server, document
        self._headers = f"Host: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nCookie: sessionid={session}\r\n"

    def kinds(self) -> dict[str, Callable[[], None]]:
        return {
            "reset while it is answered": self.reset_while_answered,
            "several requests at once, then reset": self.pipeline_and_reset,
            "half-closed after the request": self.half_close,
            "stream of events cancelled": self.cancel_stream,
            "answer never read": self.never_read,
            "half of a header": self.half_header,
            "half of a body": self.half_body,
        }

    def reset_while_answered(self) -> None:
        opened = self._server.connect()
        opened.sendall(self._request("GET", random.choice((LIST, "/admin/", self._path("content")))))
        time.sleep(random.choice(PAUSES))
        reset(opened)

    def pipeline_and_reset(self) -> None:
        opened = self._server.connect()
        opened.sendall(self._request("GET", random.choice((LIST, "/admin/"))) * random.randint(2, 10))
        time.sleep(random.choice(PAUSES))
        reset(opened)

    def half_close(self) -> None:
        with self._server.connect() as opened:
            opened.sendall(self._request("GET", random.choice((LIST, "/admin/", self._path("content")))))
            opened.shutdown(socket.SHUT_WR)
            time.sleep(random.choice(PAUSES))

    def cancel_stream(self) -> None:
        opened = self._server.connect()
        opened.sendall(self._request("GET", self._path("events")))
        if random.random() < 0.8:
            opened.recv(4096)
        time.sleep(random.choice(PAUSES))
        random.choice((reset, lambda one: one.close()))(opened)

    def never_read(self) -> None:
        """The server ends it, as the client would wait for longer."""
        opened = self._server.connect(receive_buffer=2048)
        opened.sendall(self._request("GET", self._path("content")))
        self._wait_for_end(opened)

    def half_header(self) -> None:
        opened = self._server.connect()
        opened.sendall(self._request("GET", LIST)[:-2])
        self._wait_for_end(opened)

    def half_body(self) -> None:
        opened = self._server.connect()
        opened.sendall(self._request("POST", "/api/v1/workspaces/", "Content-Length: 9000\r\n") + b"{" * 4500)
        time.sleep(random.choice(PAUSES))
        if random.random() < 0.5:
            reset(opened)
        else:
            self._wait_for_end(opened)

    def _wait_for_end(self, opened: socket.socket) -> None:
        """Until the server has closed the connection, without reading."""
        with opened:
            waiting = select.poll()
            waiting.register(opened, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
            assert waiting.poll(60_000), "the server waits for ever"

    def _request(self, method: str, path: str, headers: str = "") -> bytes:
        return f"{method} {path} HTTP/1.1\r\n{self._headers}{headers}\r\n".encode()

    def _path(self, what: str) -> str:
        return f"/api/v1/documents/{self._document}/{what}/"
