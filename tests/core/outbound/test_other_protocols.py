"""The tricks of `test_addresses`, with every type of integration, and with the guard of libraries that open connections by
themselves."""

from __future__ import annotations

import base64
import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import opendal
import pytest

from core.errors import EngineError
from core.json_schema import problems
from core.outbound import AllowList, Guard
from tests.core.outbound.servers import INTERNAL, PUBLIC, Server
from tests.core.outbound.tricks import ADDRESSES, REDIRECTABLE
from tests.proof.secrets.scenario import CONFIGS, SECRET_FIELDS
from workspaces.integrations import KINDS
from workspaces.integrations.clients.storage import guard, storage_errors
from workspaces.models import IntegrationType


@pytest.fixture(autouse=True)
def _public_is_allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = [f"{PUBLIC}/32"]


def config_with(kind: str, address: str) -> dict[str, Any]:
    """A configuration with this address, in whatever form its type takes one."""
    properties = KINDS[kind].form["properties"]
    config = {**CONFIGS.get(IntegrationType(kind), {})}
    secret = SECRET_FIELDS.get(IntegrationType(kind), "password")
    config.setdefault(secret, "c2VjcmV0") if secret != "url" else None
    config.pop("service_account", None)  # a public bucket
    if "url" in properties:
        return {**config, "url": address}
    host, _, port = address.partition("://")[2].partition("/")[0].rpartition(":")
    number = {"port": int(port)} if host and port.isascii() and port.isdigit() else {}
    return {**config, "host": host if number else address.partition("://")[2].partition("/")[0], **number}


@pytest.mark.parametrize("kind", KINDS)
def test_no_type_of_integration_reaches_an_internal_service(kind: str, internal: Server):
    before = internal.connections
    for address in ADDRESSES:
        config = config_with(kind, address.format(port=internal.port))
        if problems(KINDS[kind].form, config):
            continue
        with pytest.raises(EngineError):
            KINDS[kind].check(config, uuid4())
        assert internal.connections == before, address


class _Redirecting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    target, seen = "", 0

    def _redirect(self) -> None:
        type(self).seen += 1
        self.send_response(307)
        self.send_header("Location", self.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PROPFIND = _redirect

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def redirecting() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer((PUBLIC, 0), _Redirecting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://public.test:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "url" in KINDS[kind].form["properties"]])
def test_no_type_of_integration_is_redirected_to_an_internal_service(
    kind: str, redirecting: str, internal: Server
):
    before = internal.connections
    for address in REDIRECTABLE:
        _Redirecting.target, _Redirecting.seen = address.format(port=internal.port), 0
        with pytest.raises(EngineError):
            KINDS[kind].check(config_with(kind, redirecting), uuid4())
        assert internal.connections == before, address
        assert _Redirecting.seen


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_library_goes_through_its_guard_alone(scheme: str, internal: Server):
    """Also where the check of the address in front of it is left out."""
    guard()
    before = internal.connections
    for address in (INTERNAL, "private.test", "mixed.test", "localhost"):
        endpoint = f"{scheme}://{address}:{internal.port}"
        with pytest.raises(EngineError), storage_errors(endpoint):
            opendal.Operator("http", endpoint=endpoint).read("hello")
    assert internal.connections == before


def test_library_reads_from_an_address_that_is_allowed(public: Server):
    guard()
    store = opendal.Operator("http", endpoint=f"http://public.test:{public.port}")
    assert bytes(store.read("hello")) == b"hello"


def test_guard_serves_only_who_knows_it(public: Server, internal: Server):
    made = Guard(lambda: AllowList.parse([f"{PUBLIC}/32"]))
    address = urlsplit(made.address)
    own = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()

    def ask(line: str, credentials: str) -> str:
        with socket.create_connection((address.hostname, address.port), timeout=5) as sock:
            sock.sendall(f"{line}\r\nHost: x\r\nProxy-Authorization: Basic {credentials}\r\n\r\n".encode())
            return sock.makefile().readline()

    get = f"GET http://public.test:{public.port}/hello HTTP/1.1"
    before, seen = internal.connections, public.connections
    assert " 407 " in ask(get, "b3lsOm5v") and public.connections == seen
    assert " 200 " in ask(get, own)
    assert " 200 " in ask(f"CONNECT public.test:{public.port} HTTP/1.1", own)
    assert " 403 " in ask(f"CONNECT {INTERNAL}:{internal.port} HTTP/1.1", own)
    assert " 403 " in ask(f"GET http://private.test:{internal.port}/ HTTP/1.1", own)
    assert internal.connections == before
    made.close()
