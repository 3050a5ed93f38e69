from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.outbound import AllowList, OutboundClient
from tests.core.outbound.servers import INTERNAL, MEBIBYTE, NAMES, PUBLIC, Server, serving


@pytest.fixture(scope="module")
def internal() -> Iterator[Server]:
    yield from serving(Server(INTERNAL))


@pytest.fixture(scope="module")
def public(internal: Server) -> Iterator[Server]:
    yield from serving(Server(PUBLIC, internal.port))


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The names of a network that is not there."""
    known, resolve = {name: list(addresses) for name, addresses in NAMES.items()}, socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = str(host).lower().rstrip(".")
        if name not in known:
            return resolve(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[name]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def client() -> Iterator[OutboundClient]:
    made = OutboundClient(AllowList.parse([f"{PUBLIC}/32"]), timeout_seconds=1.0, max_bytes=MEBIBYTE)
    yield made
    made.close()


@pytest.fixture
def url(public: Server) -> Callable[[str], str]:
    return lambda path: f"http://public.test:{public.port}/{path}"


# {port} is the internal service's.
