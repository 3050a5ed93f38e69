"""Benches, and servers in the place of chat models and services."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.conftest import Person
from tests.support.chat_server import ChatServer
from tests.support.model_server import running
from tests.support.workflows import Studio, make_studio
from tests.workflows.benches import Bench, make_bench


class ServiceServer(ThreadingHTTPServer):
    """Answers each request with `response`: (status, headers, body). `requests` has what it got."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.response: tuple[int, dict[str, str], bytes] = (200, {"Content-Type": "application/json"}, b"{}")
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ServiceServer

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.requests.append((self.command, self.path, headers, body))
        status, sent, content = self.server.response
        self.send_response(status)
        for name, value in {**sent, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@pytest.fixture(autouse=True)
def no_lost_attempts(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The engine's own faults are tried again, and would not be seen: a worker that fails says so in its log."""
    yield
    said = [each.getMessage() for each in caplog.get_records("call") if each.levelname == "ERROR"]
    assert not said, caplog.text


@pytest.fixture
def studio(owner: Person) -> Studio:
    return make_studio(owner)


@pytest.fixture
def bench(owner: Person) -> Bench:
    return make_bench(owner)


@pytest.fixture
def chat(settings: Any) -> Iterator[ChatServer]:
    with running(ChatServer()) as server:
        settings.OUTBOUND_ALLOW = [*settings.OUTBOUND_ALLOW, f"127.0.0.1:{server.server_port}"]
        yield server


@pytest.fixture
def service(settings: Any) -> Iterator[ServiceServer]:
    with running(ServiceServer()) as server:
        settings.OUTBOUND_ALLOW = [*settings.OUTBOUND_ALLOW, f"127.0.0.1:{server.server_port}"]
        yield server
