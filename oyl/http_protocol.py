"""The server's side of an HTTP connection, with limits for what a client may make it wait for.

uvicorn's own protocol waits without end for the rest of a header, a body that does not arrive, and a client that does not
read; and of pipelined requests it does not notice that their client has gone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from core.requests import address_group
from oyl.access_log import write_refusal
from oyl.response_headers import RAW_HEADERS

HEADER_SECONDS, HEADER_BYTES = 10.0, 64 << 10
BODY_SECONDS = 3600.0
# A transfer may be slower than this for a while, until it has used up the seconds.
LEAST_BYTES_PER_SECOND, SLOW_SECONDS = 16_000, 30.0
LINGER_SECONDS = 5.0
# The share of all connections that one address group may have, unless it is a proxy's.
ADDRESS_SHARE = 4
TCP_NOTSENT_LOWAT, UNSENT_BYTES = 25, 128 << 10


class Pace:
    """The least rate of a transfer, in which `length` bytes arrive in time, as a bucket of seconds: waiting for the client
    empties it, transferred bytes fill it."""

    def __init__(
        self, too_slow: Callable[[], None], *, total_seconds: float = float("inf"), length: int = 0
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._least = max(LEAST_BYTES_PER_SECOND, length / total_seconds)
        self._too_slow, self._left = too_slow, SLOW_SECONDS
        self._end = self._loop.time() + total_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0

    def wait(self) -> None:
        self._since = self._loop.time()
        self._timer = self._loop.call_later(min(self._left, self._end - self._since), self._too_slow)

    def stop(self, transferred: int = 0) -> None:
        """The client has transferred some bytes."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        waited = self._loop.time() - self._since
        self._left = min(SLOW_SECONDS, self._left - waited + transferred / self._least)


class LimitedProtocol(HttpToolsProtocol):
    _header_timer: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _body: Pace | None = None
    _ignores_input = False
    _next_request = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._answer, self._paused_at = Pace(self._abort), 0
        self.group = address_group(self.client[0]) if self.client else ""
        self._socket: socket.socket = transport.get_extra_info("socket")
        if self._socket.family != socket.AF_UNIX:
            # So that the kernel takes the next bytes of an answer when the client has read some, not a megabyte later.
            self._socket.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        if self._are_too_many():
            self._end(HTTPStatus.SERVICE_UNAVAILABLE, "retry-after: 5\r\n")
        else:
            self._await_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._header_is_complete()
        self._answer.stop()
        if self._body:
            self._body.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ignores_input or self.transport.is_closing():
            return
        if self.cycle is not None and client_has_answer(self.cycle):
            self._next_request += data
            self.flow.pause_reading()
            return
        if self._header_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_header()
        super().data_received(data)
        if self._header_timer:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES:
                self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def eof_received(self) -> None:
        """asyncio closes the connection, when it has sent what is left."""
        self._abort_later()

    def on_headers_complete(self) -> None:
        """Of pipelined requests only the first is answered. The client sends the others again (RFC 9112, section 9.3.2)."""
        self._header_is_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self._ignores_input, self.cycle.keep_alive = True, False
            return
        super().on_headers_complete()
        self._await_body()

    def on_body(self, body: bytes) -> None:
        if not self._ignores_input and self._body:
            self._body.stop(len(body))
            self._body.wait()
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._ignores_input and self._body:
            self._body.stop()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._body:
            self._body.stop()
        if self.transport.get_write_buffer_size():
            self._abort_later()
        if self.cycle.more_body:
            # The answer came first, as a refusal does. A client that reads it only after its body gets it, too.
            self._ignores_input = True
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        super().on_response_complete()
        received, self._next_request = self._next_request, b""
        if received:
            self.data_received(received)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused_at = self.transport.get_write_buffer_size()
        self._answer.wait()

    def resume_writing(self) -> None:
        self._answer.stop(self._paused_at - self.transport.get_write_buffer_size())
        super().resume_writing()

    def _unsupported_upgrade_warning(self) -> None:
        """There are no WebSockets: the request is answered as any other, and the parser can read no further one."""
        self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """For what is no HTTP."""
        self._end(HTTPStatus.BAD_REQUEST)

    def _are_too_many(self) -> bool:
        """This connection is one of them."""
        most: int = settings.OYL_CONNECTIONS
        address = self.client and self.client[0]
        if len(self.connections) > most:
            return True
        if address is None or is_trusted_proxy(address):
            return False
        others = [other for other in self.connections if isinstance(other, LimitedProtocol)]
        return sum(other.group == self.group for other in others) > most // ADDRESS_SHARE

    def _await_header(self) -> None:
        self._header_bytes = 0
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._end, HTTPStatus.REQUEST_TIMEOUT)

    def _header_is_complete(self) -> None:
        if self._header_timer:
            self._header_timer.cancel()
            self._header_timer = None

    def _await_body(self) -> None:
        """Within an hour, and no part of it more slowly than that requires."""
        length = next((int(value) for name, value in self.headers if name == b"content-length"), 0)
        self._body = Pace(self._body_is_too_slow, total_seconds=BODY_SECONDS, length=length)
        self._body.wait()

    def _body_is_too_slow(self) -> None:
        if (
            self.flow.read_paused and self._body
        ):  # not the client is slow: OYL has not taken yet what has arrived
            self._body.stop()
            self._await_body()
        elif self.cycle.response_started:
            self._abort()
        else:
            self._end(HTTPStatus.REQUEST_TIMEOUT)

    def _end(self, status: HTTPStatus, headers: str = "") -> None:
        """Answer without the application, and close the connection."""
        self._header_is_complete()
        write_refusal(status.value)
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{RAW_HEADERS}{headers}"
        self.transport.write(f"{head}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        self.transport.close()

    def _abort(self) -> None:
        """Reset the connection: the kernel would keep what it has not sent yet, for a client that may never read it."""
        if self in self.connections:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def _abort_later(self) -> None:
        """Close a connection whose client does not read the end of this answer."""
        self.loop.call_later(SLOW_SECONDS, self._abort_unread, self.cycle)

    def _abort_unread(self, cycle: Any) -> None:
        """Unless the client has read the answer, and perhaps sent its next request, since then."""
        if self.cycle is cycle and self.transport.get_write_buffer_size():
            self._abort()


def client_has_answer(cycle: RequestResponseCycle) -> bool:
    """All of it, by its Content-Length, though the application has not said yet that it was the last part. What arrives now
    is the client's next request, and no pipelined one."""
    if cycle.more_body or cycle.response_complete or not cycle.response_started or cycle.chunked_encoding:
        return False
    return cycle.expected_content_length == 0 or cycle.scope["method"] == "HEAD"


def is_trusted_proxy(address: str) -> bool:
    host = ipaddress.ip_address(address)
    return any(host in network for network in settings.OYL_TRUSTED_PROXIES)
