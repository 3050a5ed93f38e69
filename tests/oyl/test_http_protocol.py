"""What the web server makes of clients that do not behave."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest
from django.conf import settings

from oyl import http_protocol
from oyl.response_headers import RAW_HEADERS
from tests.support.server import running_server

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
SECONDS = 0.5


def with_short_waits(application: Any) -> Any:
    http_protocol.HEADER_SECONDS = http_protocol.SLOW_SECONDS = SECONDS
    settings.OYL_CONNECTIONS = 40

    async def application_with_late_ends(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/late":
            await answer_with_late_end(send)
        else:
            await application(scope, receive, send)

    return application_with_late_ends


async def answer_with_late_end(send: Any) -> None:
    """As a streamed file does, whose last part is followed by an empty one."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"late", "more_body": True})
    await asyncio.sleep(SECONDS / 5)
    await send({"type": "http.response.body"})


@pytest.fixture(scope="module")
def peer(database: None) -> Iterator[tuple[str, int]]:
    with running_server(with_short_waits) as address:
        host, _, port = address.removeprefix("http://").partition(":")
        yield host, int(port)


@contextmanager
def connected(peer: tuple[str, int], sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(peer, timeout=20) as opened:
        opened.sendall(sent)
        yield opened


def answer_to(peer: tuple[str, int], sent: bytes) -> bytes:
    """All that the server sends until it closes the connection."""
    received = b""
    with connected(peer, sent) as opened:
        while piece := opened.recv(65536):
            received += piece
    return received


@pytest.mark.parametrize(
    ("sent", "status"),
    [(GET, 408), (GET + b"X: " + b"x" * http_protocol.HEADER_BYTES, 431), (b"no HTTP\r\n\r\n", 400)],
)
def test_answers_without_the_application_have_the_headers_of_the_others(peer, sent, status):
    head = answer_to(peer, sent).decode()
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert RAW_HEADERS in head and head.endswith("\r\n\r\n")
    assert "content-security-policy: default-src 'none'" in RAW_HEADERS and "nosniff" in RAW_HEADERS


def test_unfinished_header_is_ended(peer):
    started = time.monotonic()
    assert answer_to(peer, GET).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - started >= SECONDS


def test_header_is_not_prolonged_by_single_bytes(peer):
    with connected(peer, GET + b"X: ") as opened, pytest.raises(OSError, match=r"reset|pipe"):
        for _ in range(50):
            opened.sendall(b"x")
            time.sleep(SECONDS / 10)


def test_long_header_is_refused(peer):
    assert b"HTTP/1.1 431 " in answer_to(peer, GET + b"X-Long: " + b"x" * http_protocol.HEADER_BYTES)


def test_body_that_does_not_arrive_is_ended(peer):
    sent = b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{"
    assert answer_to(peer, sent).startswith(b"HTTP/1.1 408 ")


def test_of_pipelined_requests_the_first_is_answered(peer):
    received = answer_to(peer, (GET + b"\r\n") * 3)
    assert received.count(b"HTTP/1.1 200 ") == 1
    assert b"connection: close" in received


@pytest.mark.parametrize(("method", "path"), [("GET", "/healthz"), ("GET", "/late"), ("HEAD", "/late")])
def test_requests_one_after_another_share_a_connection(peer, method, path):
    host, port = peer
    client = HTTPConnection(host, port, timeout=20)
    client.connect()
    own = client.sock
    for _ in range(3):
        client.request(method, path)
        client.getresponse().read()
        client.request("GET", "/healthz")
        assert client.getresponse().read()
        assert client.sock is own
    client.close()


def test_websocket_is_answered_as_a_plain_request(peer, capfd):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    received = answer_to(peer, GET.replace(b"/healthz", b"/nothing") + upgrade)
    assert received.startswith(b"HTTP/1.1 404 ")
    assert "Traceback" not in capfd.readouterr().err


def test_one_address_has_only_a_share_of_the_connections(peer):
    opened = [socket.create_connection(peer, timeout=20) for _ in range(10)]
    try:
        assert answer_to(peer, b"").startswith(b"HTTP/1.1 503 ")
    finally:
        for one in opened:
            one.close()


def test_large_body_must_arrive_faster():
    """At a rate at which all of it arrives within the time for a body."""

    async def left_after(length: int) -> float:
        pace = http_protocol.Pace(lambda: None, total_seconds=http_protocol.BODY_SECONDS, length=length)
        pace.wait()
        pace._since -= 10
        pace.stop(160_000)
        return pace._left

    assert asyncio.run(left_after(1_000)) == pytest.approx(http_protocol.SLOW_SECONDS, abs=0.5)
    assert asyncio.run(left_after(1 << 30)) == pytest.approx(http_protocol.SLOW_SECONDS - 9.5, abs=0.5)
