"""Every limit of an address counts an IPv6 network of 64 bits as one address."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client

from core.concurrency import Kind, Slots
from core.requests import address_group
from tests.support.api_client import Caller

# Events keep the full address, and requests within a request have that of the outer one. Everything else is a limit, and
# counts the group.
READ_THE_FULL_ADDRESS = {
    *(
        "core/requests.py",
        "core/sessions.py",
        "oyl/mcp/inner_requests.py",
        "oyl/oidc.py",
        "oyl/second_factor.py",
        "oyl/site.py",
        "tenants/sign_in.py",
    ),
}


def network() -> str:
    return f"2001:db8:{uuid4().int % 10_000}:{uuid4().int % 10_000}"


def status_of(key: str, address: str, body: bytes = b"") -> int:
    """Through the whole application, as the web server calls it."""
    from oyl.asgi import application

    async def send() -> int:
        transport = httpx.ASGITransport(application, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/plain"}
            return (await client.post("/v1/files", content=body, headers=headers)).status_code

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0db8:0001:0002::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_group_of_an_address(address: str, group: str):
    assert address_group(address) == group


def test_only_events_read_the_full_address():
    """A limit that counts full addresses is none for a client with an IPv6 network."""
    folders = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR]
    readers = {
        str(path.relative_to(settings.BASE_DIR))
        for folder in folders
        for path in folder.rglob("*.py")
        if "client_address" in (text := path.read_text()) or "REMOTE_ADDR" in text
    }
    assert readers == READ_THE_FULL_ADDRESS


def test_invalid_keys_are_limited_by_network(database: None, settings: Any):
    settings.OYL_ADDRESS_REQUESTS, here = 4, network()
    codes = [
        Client(headers={"Authorization": f"Bearer oyl_{number}"}, REMOTE_ADDR=f"{here}::{number}")
        .get("/api/v1/workspaces/")
        .status_code
        for number in range(1, 7)
    ]
    assert codes == [401] * 4 + [429] * 2


def test_refusal_of_a_network_is_remembered(database: None, settings: Any):
    settings.OYL_ADDRESS_REQUESTS, here = 1, network()
    codes = [status_of(f"oyl_{'0' * 12}_{uuid4().hex}", f"{here}::{n}") for n in range(1, 4)]
    assert codes == [401, 429, 429]


def test_requests_at_once_are_limited_by_network(database: None, settings: Any):
    settings.OYL_CONCURRENT_REQUESTS, here = 1, network()
    under_way = Slots()
    assert under_way.take(Kind.REQUEST, subject=address_group(f"{here}::1"))
    assert Client(REMOTE_ADDR=f"{here}::2").get("/admin/login/").status_code == 429
    under_way.close()
    assert Client(REMOTE_ADDR=f"{here}::2").get("/admin/login/").status_code == 200


def test_bodies_are_limited_by_network(caller: Caller, settings: Any):
    settings.OYL_UPLOAD_MB, settings.OYL_RECEIVED_MB, here = 1, 2, network()
    received = Slots()
    assert received.take_bytes(1 << 20, {address_group(f"{here}::1"): 1 << 20})
    assert status_of(caller.key.secret, f"{here}::2", b"x" * 100_000) == 429
    received.close()
    assert status_of(caller.key.secret, f"{here}::2", b"x" * 100_000) != 429


def test_connections_are_limited_by_network(database: None, settings: Any):
    from oyl.http_protocol import ADDRESS_SHARE, LimitedProtocol

    settings.OYL_CONNECTIONS, here = 2 * ADDRESS_SHARE, network()
    opened: set[Any] = set()
    for number in (1, 2, 3):
        protocol = LimitedProtocol.__new__(LimitedProtocol)
        protocol.client, protocol.connections = (f"{here}::{number}", 1), opened
        protocol.group = address_group(protocol.client[0])
        opened.add(protocol)
    assert protocol._are_too_many()
    protocol.group = address_group(f"{network()}::1")
    assert not protocol._are_too_many()
