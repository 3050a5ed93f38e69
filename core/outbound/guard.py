"""A proxy on the loopback interface for libraries that open their connections by themselves (opendal): it connects only to
addresses that the operator's rules permit, for each request and each redirect, and to the address that it has checked."""

from __future__ import annotations

import base64
import hmac
import secrets
import select
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from core.outbound.addresses import AllowList
from core.outbound.errors import OutboundError
from core.outbound.sockets import checked_socket

IDLE_SECONDS, PIECE_BYTES = 60.0, 64 * 1024
MAX_HEAD_BYTES, MAX_BODY_BYTES = 256 * 1024, 1024 * 1024
# A host that the guard answers itself, by which a library shows that it uses the guard.
OWN_HOST = "guard.oyl.invalid"
# Of the connection between the library and the guard.
_HOP_HEADERS = {"connection", "proxy-connection", "proxy-authorization", "keep-alive", "te", "upgrade"}


class Guard:
    """`allow` is called for each connection. Only who knows `address` can use it."""

    def __init__(self, allow: Callable[[], AllowList]) -> None:
        token = secrets.token_urlsafe(32)
        self._server = _Server(allow, f"Basic {base64.b64encode(f'oyl:{token}'.encode()).decode()}")
        self.address = f"http://oyl:{token}@127.0.0.1:{self._server.server_address[1]}"
        serve = threading.Thread(target=self._server.serve_forever, name="outbound-guard", daemon=True)
        serve.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, allow: Callable[[], AllowList], credentials: str) -> None:
        self.allow, self.credentials = allow, credentials
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, peer: Any) -> None:
        """A peer that hangs up is none of the operator's concern, and its messages belong in no log."""


class _Handler(BaseHTTPRequestHandler):
    """One request for each connection."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: _Server

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        if peer := self._connected(host, int(port) if port.isdigit() else 0):
            with peer:
                self.send_response(200)
                self.end_headers()
                _relay(self.connection, peer)

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        size = self.headers.get("Content-Length", "0")
        if target.hostname == OWN_HOST and self._is_known():
            self._answer(200, b"guarded")
        elif target.scheme != "http" or not target.hostname:
            self._answer(400)
        elif not size.isdigit() or int(size) > MAX_BODY_BYTES or "Transfer-Encoding" in self.headers:
            self._answer(413)
        elif peer := self._connected(target.hostname, target.port or 80):
            with peer:
                peer.sendall(self._head(target.path or "/", target.query) + self.rfile.read(int(size)))
                self._pass_on(peer)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PROPFIND = do_GET

    def log_message(self, *args: Any) -> None:
        """Nothing: addresses have secrets in them."""

    def _connected(self, host: str, port: int) -> socket.socket | None:
        """None if it was answered that there is no connection."""
        self.close_connection = True
        if not self._is_known():
            self._answer(407)
            return None
        try:
            name = host.strip("[]")
            return checked_socket(name, port, self.server.allow(), timeout_seconds=IDLE_SECONDS)
        except OutboundError as error:
            self._answer(403 if error.code == "invalid_outbound_address" else 502)
            return None

    def _is_known(self) -> bool:
        return hmac.compare_digest(self.headers.get("Proxy-Authorization", ""), self.server.credentials)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _pass_on(self, peer: socket.socket) -> None:
        """The response, with a header that says that the connection ends with it: otherwise the library would send its next
        request over a connection that is being closed, and fail now and then."""
        begun = b""
        while b"\r\n\r\n" not in begun and len(begun) < MAX_HEAD_BYTES and (piece := peer.recv(PIECE_BYTES)):
            begun += piece
        head, end, body = begun.partition(b"\r\n\r\n")
        if not end:
            return
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        self.wfile.write(b"\r\n".join([*kept, b"Connection: close", b"", body]))
        while piece := peer.recv(PIECE_BYTES):
            self.wfile.write(piece)

    def _head(self, path: str, query: str) -> bytes:
        kept = [
            f"{name}: {value}" for name, value in self.headers.items() if name.lower() not in _HOP_HEADERS
        ]
        line = f"{self.command} {path}{'?' if query else ''}{query} HTTP/1.1"
        return "\r\n".join([line, *kept, "Connection: close", "", ""]).encode("latin-1")


def _relay(one: socket.socket, other: socket.socket) -> None:
    """What each sends to the other, until one of them ends or nothing comes for a minute."""
    peers = {one: other, other: one}
    while ready := select.select(list(peers), [], [], IDLE_SECONDS)[0]:
        for sender in ready:
            piece = sender.recv(PIECE_BYTES)
            if not piece:
                return
            peers[sender].sendall(piece)
