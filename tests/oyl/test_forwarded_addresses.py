"""Which address a request behind a proxy comes from: the one that a trusted proxy has seen, whatever clients say."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import httpx
import pytest

from oyl.web_server import configuration

PROXY = "127.0.0.1"


@pytest.fixture
def limited(database: None, settings: Any) -> Any:
    settings.OYL_ADDRESS_REQUESTS = 2
    settings.OYL_TRUSTED_PROXIES = [ip_network(PROXY), ip_network("10.0.0.0/8")]
    return settings


def statuses(peer: str, forwarded: list[str]) -> list[int]:
    """Of requests without a key through the application as uvicorn runs it, each with an `X-Forwarded-For`."""
    config = configuration()
    config.load()

    async def send() -> list[int]:
        transport = httpx.ASGITransport(config.loaded_app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [
                (await client.get("/api/v1/workspaces/", headers={"X-Forwarded-For": value})).status_code
                for value in forwarded
            ]

    return asyncio.run(send())


def address() -> str:
    number = uuid4().int
    return f"203.{number % 256}.{number // 256 % 256}.{number // 65536 % 256}"


def test_address_before_the_trusted_proxy_is_counted_whatever_the_client_forged(limited: Any):
    client = address()
    forged = [f"{address()}, {client}" for _ in range(4)]
    assert statuses(PROXY, forged) == [401, 401, 429, 429]


def test_clients_of_a_trusted_proxy_are_counted_apart(limited: Any):
    assert statuses(PROXY, [address() for _ in range(4)]) == [401] * 4


def test_chain_of_trusted_proxies_is_followed_to_the_first_other_address(limited: Any):
    client = address()
    chains = [f"{address()}, {client}, 10.1.2.{number}" for number in range(4)]
    assert statuses(PROXY, chains) == [401, 401, 429, 429]


def test_stranger_cannot_say_where_they_come_from(limited: Any):
    peer = address()
    assert statuses(peer, [address() for _ in range(4)]) == [401, 401, 429, 429]
    assert statuses(address(), [peer]) == [401]


def test_no_proxy_is_trusted_unless_one_is_named(limited: Any):
    limited.OYL_TRUSTED_PROXIES = []
    assert statuses(address(), [address() for _ in range(4)]) == [401, 401, 429, 429]
