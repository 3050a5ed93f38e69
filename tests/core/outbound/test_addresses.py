"""What a tenant may make OYL call: public addresses, and no trick that leads elsewhere.

127.0.0.2 stands for the public internet, allowed as an operator would allow it; 127.0.0.1 for an internal service, which
must never see a connection.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from core.errors import ConfigurationError
from core.outbound import AllowList, OutboundClient, OutboundError, addresses
from core.outbound.addresses import is_own, is_public
from tests.core.outbound.servers import INTERNAL, PUBLIC, Server
from tests.core.outbound.tricks import ADDRESSES, REDIRECTABLE


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_is_refused(address: str, client: OutboundClient, internal: Server):
    before = internal.connections
    with pytest.raises(OutboundError) as caught:
        client.request("GET", address.format(port=internal.port))
    assert caught.value.code in ("invalid_outbound_address", "invalid_outbound_url")
    assert internal.connections == before


@pytest.mark.parametrize("address", REDIRECTABLE)
def test_redirect_is_refused(
    address: str, client: OutboundClient, url: Callable[[str], str], internal: Server
):
    before = internal.connections
    with pytest.raises(OutboundError) as caught:
        client.request("GET", url(f"redirect?{address.format(port=internal.port)}"))
    assert caught.value.code in ("invalid_outbound_address", "invalid_outbound_url")
    assert internal.connections == before


def test_name_that_resolves_differently_the_second_time(
    client: OutboundClient, names: dict[str, list[str]], public: Server, internal: Server
):
    """The name is resolved once; the address that was checked is connected to."""
    answers = iter([[PUBLIC], [INTERNAL], [INTERNAL]])
    resolve, before = socket.getaddrinfo, internal.connections

    def rebinding(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "rebinding.test":
            names["rebinding.test"] = next(answers)
        return resolve(host, port, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", rebinding)
        assert client.request("GET", f"http://rebinding.test:{public.port}/").body == b"hello"
    assert internal.connections == before
    names["rebinding.test"] = [INTERNAL]
    client.close()
    with pytest.raises(OutboundError, match="not public"):
        client.request("GET", f"http://rebinding.test:{internal.port}/")


def test_slow_resolver_delays_no_other_request(client: OutboundClient, url: Callable[[str], str]):
    resolve = socket.getaddrinfo

    def slow(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "slow.test":
            time.sleep(5)
        return resolve(host, *args, **kwargs)

    def request_slow_name() -> str:
        with pytest.raises(OutboundError) as caught:
            client.request("GET", "http://slow.test/")
        return caught.value.code

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(40) as threads:
        patch.setattr(socket, "getaddrinfo", slow)
        codes = [threads.submit(request_slow_name) for _ in range(40)]
        assert client.request("GET", url("hello")).body == b"hello"
        assert {code.result() for code in codes} == {"outbound_timeout"}


def test_own_address_of_the_machine_is_not_public(monkeypatch: pytest.MonkeyPatch):
    assert is_own(ip_address(INTERNAL)) and not is_own(ip_address("8.8.8.8"))
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    assert not AllowList().permits("public.test", 80, ip_address(INTERNAL))
    assert AllowList().permits("public.test", 80, ip_address("8.8.8.8"))


def test_allowed_name_does_not_permit_metadata_services():
    allow = AllowList.parse(["model.internal", "10.0.0.0/8"])
    assert allow.permits("model.internal", 80, ip_address("192.168.1.1"))
    assert not allow.permits("model.internal", 80, ip_address("169.254.169.254"))
    assert AllowList.parse(["169.254.169.254"]).permits("x", 80, ip_address("169.254.169.254"))


@pytest.mark.parametrize("entry", ["[fd00::1]:8080", "[FD00:0:0::1]:8080"])
def test_operator_allows_a_port_of_an_ipv6_address(entry: str):
    allow = AllowList.parse([entry])
    assert allow.permits("[fd00::1]", 8080, ip_address("fd00::1"))
    assert not allow.permits("[fd00::1]", 8081, ip_address("fd00::1"))


def test_environment_has_no_say(
    client: OutboundClient,
    url: Callable[[str], str],
    internal: Server,
    public: Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{INTERNAL}:{internal.port}")
    (tmp_path / ".netrc").write_text("machine public.test login owner password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    before = internal.connections
    assert client.request("GET", url("hello")).body == b"hello"
    assert internal.connections == before
    assert "authorization" not in public.seen[-1][2]


def test_refusal_does_not_tell_which_internal_names_exist(client: OutboundClient):
    details = []
    for host in ("private.test", "absent.invalid"):
        with pytest.raises(OutboundError) as caught:
            client.request("GET", f"http://{host}/")
        details.append(caught.value.detail.replace(host, "…"))
    assert details[0] == details[1]
    assert INTERNAL not in details[0]


@pytest.mark.parametrize(
    ("entry", "is_allowed"),
    [
        ("private.test", True),
        ("Private.test", True),
        ("private.test:{port}", True),
        ("private.test:1", False),
        ("127.0.0.1", True),
        ("127.0.0.1:{port}", True),
        ("127.0.0.1:1", False),
        ("127.0.0.0/8", True),
        ("10.0.0.0/8", False),
        ("other.test", False),
    ],
)
def test_operator_allows_hosts_and_networks(entry: str, is_allowed: bool, internal: Server):
    client = OutboundClient(AllowList.parse([entry.format(port=internal.port)]), timeout_seconds=5)
    try:
        body = client.request("GET", f"http://private.test:{internal.port}/").body
    except OutboundError:
        body = b""
    assert (body == b"hello") == is_allowed
    client.close()


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.0/33",
        "10.0.0.5/8",
        "http://host",
        "a b",
        "host:99999",
        "300.1.1.1",
        "-x",
        "host:0",
        "1:80",
        "[::x]:80",
        "fd00::1:99999",
    ],
)
def test_allow_list_that_cannot_be_read(entry: str):
    with pytest.raises(ConfigurationError, match="OUTBOUND_ALLOW"):
        AllowList.parse([entry])


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("1.1.1.1", True),
        ("8.8.8.8", True),
        ("99.255.255.255", True),
        ("100.63.255.255", True),
        ("100.64.0.0", False),
        ("172.15.255.255", True),
        ("172.16.0.0", False),
        ("223.255.255.255", True),
        ("239.1.1.1", False),
        ("240.0.0.1", False),
        ("2606:4700::1111", True),
        ("2001:4860:4860::8888", True),
        ("2001::1", False),
        ("2001:db8::1", False),
        ("4000::1", False),
        ("fec0::1", False),
    ],
)
def test_public_addresses(address: str, expected: bool):
    assert is_public(ip_address(address)) is expected


@pytest.mark.parametrize(
    "line",
    [
        "import httpx",
        "from httpx import Client",
        "import httpcore",
        "import requests",
        "import urllib3",
        "import aiohttp",
        "import urllib.request",
        "from urllib.request import urlopen",
        "import http.client",
    ],
)
@pytest.mark.parametrize("folder", ["knowledge", "engines/embedding", "core", "workspaces"])
def test_other_http_clients_are_banned(line: str, folder: str):
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251",
        "--stdin-filename",
        f"{folder}/new.py",
        "-",
    ]
    checked = subprocess.run(
        command, input=f"{line}\n", cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert "core.outbound.OutboundClient" in checked.stdout
