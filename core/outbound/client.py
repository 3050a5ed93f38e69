"""The HTTP client for addresses that tenants give."""

from __future__ import annotations

import re
import ssl
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from core.outbound.addresses import AllowList
from core.outbound.connections import CheckedBackend, timeouts
from core.outbound.deadlines import Deadline
from core.outbound.errors import OutboundError

SCHEMES = {"http": 80, "https": 443}
REDIRECTS = {301, 302, 303, 307, 308}
MAX_URL_LENGTH = 2048
PIECE_BYTES = 64 * 1024
# Stricter than the parser, so that no two parsers read an address differently: no user name, zone, backslash or odd port.
URL_FORM = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|[^/?#:@\[\]]+)(:[1-9][0-9]{0,4})?([/?#].*)?", re.IGNORECASE | re.DOTALL
)
HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
DEFAULT_HEADERS = {"user-agent": "OYL", "accept-encoding": "gzip, identity"}
# Callers may not set these: the client sets them, for the address that it checked.
CLIENT_HEADERS = {
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# All others may carry credentials, and are not sent to another origin after a redirect.
SAFE_HEADERS = {"accept", "accept-language", "user-agent"}


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """`url` is the final one, after redirects."""

    status: int
    url: str
    headers: httpx.Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class OutboundStream:
    """As OutboundResponse, with the body as a stream. Reading it may raise OutboundError."""

    status: int
    url: str
    headers: httpx.Headers
    body: Iterator[bytes]


class OutboundClient:
    """Each request resolves its host, refuses addresses that are neither public nor in the allow-list, connects to the
    address that it checked, checks each redirect again, and ends within `timeout_seconds` and `max_bytes` of body (after
    decompression). Environment variables (proxies, .netrc) and cookies have no effect."""

    def __init__(
        self,
        allow: AllowList,
        *,
        timeout_seconds: float = 30.0,
        max_bytes: int = 10 * 1024 * 1024,
        max_redirects: int = 3,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout_seconds, self._max_bytes = timeout_seconds, max_bytes
        self._max_redirects = max_redirects
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(),
            network_backend=CheckedBackend(allow),
            keepalive_expiry=5.0,
            max_connections=None,  # one tenant's slow connections must not keep another's waiting
        )

    def close(self) -> None:
        self._pool.close()

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> OutboundResponse:
        """Raise OutboundError. A status of 400 or above is a response like any other."""
        with self.stream(method, url, headers=headers, body=body) as stream:
            return OutboundResponse(stream.status, stream.url, stream.headers, b"".join(stream.body))

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        deadline: Deadline | None = None,
    ) -> Iterator[OutboundStream]:
        """Raise OutboundError, also while the body is read. GET and HEAD without a body follow redirects, others do not.
        `deadline` replaces `timeout_seconds`."""
        target, sent = checked_url(url), _checked_headers(headers or {})
        extensions = {"timeout": timeouts(deadline or Deadline(self._timeout_seconds))}
        for _ in range(self._max_redirects + 1):
            named = {**DEFAULT_HEADERS, "host": target.netloc.decode("ascii"), **sent}
            options: Any = {"headers": list(named.items()), "content": body or None, "extensions": extensions}
            with (
                _hide_error_details(target.host),
                self._pool.stream(method, _httpcore_url(target), **options) as response,
            ):
                received = httpx.Headers(response.headers)
                if response.status not in REDIRECTS or "location" not in received:
                    pieces = self._limited_body(response, received, target.host)
                    yield OutboundStream(response.status, str(target), received, pieces)
                    return
                if method not in ("GET", "HEAD") or body:
                    raise OutboundError(
                        "outbound_redirect", host=target.host, reason="a request that is not repeated"
                    )
                following = _redirect_target(target, received["location"])
            if _origin(following) != _origin(target):
                sent = {name: value for name, value in sent.items() if name in SAFE_HEADERS}
            target = following
        raise OutboundError("outbound_redirect", host=target.host, reason="too often")

    def _limited_body(
        self, response: httpcore.Response, headers: httpx.Headers, host: str
    ) -> Iterator[bytes]:
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "") or response.status < 200:
            raise OutboundError("outbound_encoding", host=host)
        raw, size = response.iter_stream(), 0
        for piece in _gunzip(raw, host) if encoding == "gzip" else raw:
            size += len(piece)
            if size > self._max_bytes:
                raise OutboundError("outbound_too_large", host=host, limit=self._max_bytes // 1024**2)
            yield piece


def checked_url(url: str | httpx.URL) -> httpx.URL:
    """Parse an address for requests. Raise OutboundError for what is not an absolute http or https URL, or is written so
    that two parsers could read it differently."""
    text = str(url)
    is_odd = "\\" in text or any(c.isspace() or not c.isprintable() for c in text)
    if len(text) > MAX_URL_LENGTH or is_odd or not URL_FORM.fullmatch(text):
        raise OutboundError("invalid_outbound_url")
    try:
        parsed = httpx.URL(text)
        is_valid = bool(parsed.host) and (parsed.port or 1) < 65536
    except (httpx.InvalidURL, UnicodeError, ValueError):
        is_valid = False
    if not is_valid:
        raise OutboundError("invalid_outbound_url")
    return parsed.copy_with(fragment=None)


def _httpcore_url(url: httpx.URL) -> httpcore.URL:
    """From the parsed parts, because httpcore would parse a text again, by other rules."""
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with lower-case names. Raise OutboundError for those that the client sets itself, and for invalid ones."""
    lowered = {name.lower(): value for name, value in headers.items()}
    for name, value in lowered.items():
        if not HEADER_NAME.fullmatch(name):  # and may contain a value, which no message repeats
            raise OutboundError("invalid_outbound_header", name="…")
        is_own, is_plain = (
            name in CLIENT_HEADERS or name.startswith("proxy-"),
            value.isascii() and value.isprintable(),
        )
        if is_own or not is_plain or value != value.strip():
            raise OutboundError("invalid_outbound_header", name=name)
    return lowered


def _redirect_target(target: httpx.URL, location: str) -> httpx.URL:
    try:
        following = checked_url(target.join(location))
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise OutboundError("invalid_outbound_url") from None
    if (target.scheme, following.scheme) == ("https", "http"):
        raise OutboundError("outbound_redirect", host=target.host, reason="to an address without encryption")
    return following


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or SCHEMES[url.scheme]


def _gunzip(pieces: Iterable[bytes], host: str) -> Iterator[bytes]:
    """Yield pieces of at most PIECE_BYTES, however much a received piece expands to. Raise OutboundError when the data ends
    too early or goes on after its end."""
    decompressor, is_empty = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), True
    try:
        for piece in pieces:
            is_empty = False
            yield decompressor.decompress(piece, PIECE_BYTES)
            while decompressor.unconsumed_tail and not decompressor.eof:
                yield decompressor.decompress(decompressor.unconsumed_tail, PIECE_BYTES)
            if decompressor.unused_data:
                raise OutboundError("outbound_encoding", host=host)
    except zlib.error:
        raise OutboundError("outbound_encoding", host=host) from None
    if not is_empty and not decompressor.eof:  # a response to HEAD has no body
        raise OutboundError("outbound_encoding", host=host)


@contextmanager
def _hide_error_details(host: str) -> Iterator[None]:
    """Raise OutboundError for errors of the connection, without the messages of the network, TLS or the peer."""
    try:
        yield
    except httpcore.TimeoutException:
        raise OutboundError("outbound_timeout", host=host) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
        raise OutboundError("outbound_unavailable", host=host) from None
