"""What comes back from an address that a tenant gave: bounded, and without credentials for anybody else."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.outbound import AllowList, OutboundClient, OutboundError
from tests.core.outbound.servers import MEBIBYTE, PUBLIC, SECRET, Server, certificate, serving


def test_public_address_is_called(client: OutboundClient, url: Callable[[str], str], public: Server):
    response = client.request("GET", url("hello"), headers={"Authorization": SECRET})
    assert (response.status, response.body, response.url) == (200, b"hello", url("hello"))
    method, path, headers = public.seen[-1]
    assert (method, path, headers["host"]) == ("GET", "/hello", f"public.test:{public.port}")
    assert headers["authorization"] == SECRET


def test_body_is_posted(client: OutboundClient, url: Callable[[str], str], public: Server):
    assert client.request("POST", url("hello"), body=b"{}").status == 200
    assert public.seen[-1][2]["content-length"] == "2"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("loop", "outbound_redirect"),
        ("large", "outbound_too_large"),
        ("endless", "outbound_too_large"),
        ("bomb", "outbound_too_large"),
        ("bomb_in_bomb", "outbound_encoding"),
        ("brotli", "outbound_encoding"),
        ("torn", "outbound_encoding"),
        ("two_members", "outbound_encoding"),
        ("slow", "outbound_timeout"),
        ("slow_headers", "outbound_timeout"),
        ("many_headers", "outbound_unavailable"),
        ("banner", "outbound_unavailable"),
    ],
)
def test_answer_is_bounded(path: str, code: str, client: OutboundClient, url: Callable[[str], str]):
    started = time.monotonic()
    with pytest.raises(OutboundError) as caught:
        client.request("GET", url(f"{path}?key={SECRET}"), headers={"Authorization": SECRET})
    assert caught.value.code == code
    assert time.monotonic() - started < 3
    assert SECRET not in caught.value.detail
    assert "BANNER" not in caught.value.detail
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_peer_that_reads_slowly_does_not_prolong_the_deadline(
    client: OutboundClient, url: Callable[[str], str]
):
    started = time.monotonic()
    with pytest.raises(OutboundError) as caught:
        client.request("POST", url("slow_reader"), body=bytes(32 * MEBIBYTE))
    assert caught.value.code == "outbound_timeout"
    assert time.monotonic() - started < 3


def test_slow_endpoints_keep_no_other_request_waiting(client: OutboundClient, url: Callable[[str], str]):
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(client.stream("GET", url("slow")))
        assert client.request("GET", url("hello")).body == b"hello"


def test_gzip_is_read(client: OutboundClient, url: Callable[[str], str]):
    assert client.request("GET", url("gzip")).body == b"hello " * 1000
    assert client.request("HEAD", url("gzip")).body == b""


def test_stream_comes_in_pieces(client: OutboundClient, url: Callable[[str], str]):
    with client.stream("GET", url("slow")) as stream:
        assert next(stream.body) == b"."


def test_credentials_stay_with_their_host(client: OutboundClient, url: Callable[[str], str], public: Server):
    headers = {"Authorization": SECRET, "X-Api-Key": SECRET, "Cookie": SECRET, "Accept": "text/plain"}
    for host in ("public.test", "second.test"):
        place = f"http://{host}:{public.port}/hello"
        assert client.request("GET", url(f"redirect?{place}"), headers=headers).body == b"hello"
        sent = public.seen[-1][2]
        assert (SECRET in sent.values()) == (host == "public.test")
        assert sent["accept"] == "text/plain"


def test_cookies_are_not_kept(client: OutboundClient, url: Callable[[str], str], public: Server):
    client.request("GET", url("hello"))
    client.request("GET", url("hello"))
    assert "cookie" not in public.seen[-1][2]


@pytest.mark.parametrize(("method", "body"), [("POST", b"{}"), ("POST", b""), ("GET", b"{}")])
def test_only_get_and_head_without_a_body_follow_redirects(
    method: str, body: bytes, client: OutboundClient, url: Callable[[str], str]
):
    with pytest.raises(OutboundError, match="redirects"):
        client.request(method, url("redirect?/hello"), body=body)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "internal"},
        {"Transfer-Encoding": "chunked"},
        {"Proxy-Authorization": "x"},
        {"X-One": "1\r\nX-Two: 2"},
        {"X One": "1"},
        {"X-One": "ü"},
        {"X-One": " padded "},
        {f"Authorization: {SECRET}": "x"},
    ],
)
def test_header_is_refused(headers: dict[str, str], client: OutboundClient, url: Callable[[str], str]):
    with pytest.raises(OutboundError) as caught:
        client.request("GET", url("hello"), headers=headers)
    assert caught.value.code == "invalid_outbound_header"
    assert SECRET not in caught.value.detail


def test_certificate_is_that_of_the_name(tmp_path: Path, public: Server):
    """The connection goes to an address, its certificate must be the name's."""
    path = certificate(tmp_path, "public.test")
    server = Server(PUBLIC)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    trusting = ssl.create_default_context(cafile=str(path))
    client = OutboundClient(AllowList.parse([PUBLIC]), timeout_seconds=5, ssl_context=trusting)
    for _ in serving(server):
        secure = f"https://public.test:{server.port}"
        assert client.request("GET", f"{secure}/hello").body == b"hello"
        with pytest.raises(OutboundError, match="certificate"):
            client.request("GET", f"https://second.test:{server.port}/hello")
        with pytest.raises(OutboundError, match="without encryption"):
            client.request("GET", f"{secure}/redirect?http://public.test:{public.port}/hello")
    client.close()
