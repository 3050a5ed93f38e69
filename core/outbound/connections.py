"""Connections of the outbound client: each goes to an address that was checked, and ends at a deadline."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore

from core.outbound.addresses import AllowList, resolve
from core.outbound.deadlines import Deadline

# However long the deadline is, a host that does not take a connection by then does not answer.
MAX_CONNECT_SECONDS = 15.0
# A read that waits looks so often whether its deadline was moved or brought about.
SLICE_SECONDS = 0.5


def timeouts(deadline: Deadline) -> dict[str, Any]:
    """The `timeout` extension of a request whose connection ends at the deadline. httpcore passes these values to the
    network backend unchanged. Here they are not durations: a peer that sends a byte now and then would prolong a timeout
    of each read for ever. Only waiting for the pool has a duration."""
    return {"connect": deadline, "read": deadline, "write": deadline, "pool": deadline.remaining}


class CheckedBackend(httpcore.NetworkBackend):
    """Resolve each host once, and connect to an address that was checked then. A name that resolves differently the next
    time (DNS rebinding) has no effect."""

    def __init__(self, allow: AllowList) -> None:
        self._allow, self._sockets = allow, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = resolve(
            host, port, self._allow, min(_remaining(timeout, httpcore.ConnectTimeout), MAX_CONNECT_SECONDS)
        )
        for tried, address in enumerate(addresses, start=1):
            try:
                seconds = min(_remaining(timeout, httpcore.ConnectTimeout), MAX_CONNECT_SECONDS) / len(
                    addresses
                )
                return _DeadlineStream(self._sockets.connect_tcp(address, port, timeout=seconds))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if tried == len(addresses):
                    raise
        raise AssertionError("resolve returns at least one address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol


class _DeadlineStream(httpcore.NetworkStream):
    """Wraps a stream; `timeout` is a deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        _wait(timeout)
        while True:
            seconds = min(_remaining(timeout, httpcore.ReadTimeout), SLICE_SECONDS)
            with suppress(httpcore.ReadTimeout):
                return self._stream.read(max_bytes, timeout=seconds)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """httpcore's own loop gives each `send` the whole timeout, which a peer that reads slowly would prolong."""
        peer: socket.socket = self._stream.get_extra_info("socket")
        rest = memoryview(buffer)
        while rest:
            peer.settimeout(_remaining(timeout, httpcore.WriteTimeout))
            try:
                rest = rest[peer.send(rest) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout from error
            except OSError as error:
                raise httpcore.WriteError from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _remaining(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, timeout=seconds))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _wait(deadline: Any) -> None:
    """As long as the caller wants to wait before a read, and not beyond the deadline."""
    if deadline.pause:
        deadline.wait(min(deadline.pause, deadline.remaining))


def _remaining(deadline: Any, error: type[Exception]) -> float:
    """Seconds until the deadline; raise `error` when it has passed."""
    assert isinstance(deadline, Deadline), "every request has a deadline"
    if (seconds := deadline.remaining) <= 0:
        raise error
    return seconds
