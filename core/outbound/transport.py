"""The outbound client in the place of httpx's own transport, for packages that bring an httpx client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import httpx

from core.outbound.client import OutboundClient
from core.outbound.deadlines import Deadline

# Of what a package sends by itself. Others have its version, the machine, or what environment variables say.
PACKAGE_HEADERS = ("accept", "content-type")


class OutboundTransport(httpx.BaseTransport):
    """Sends `headers`, and none of the package's own but PACKAGE_HEADERS. Requests end at `deadline`, httpx's timeouts have
    no effect. Raises OutboundError where httpx raises its own errors, also while the body is read."""

    def __init__(self, client: OutboundClient, headers: Mapping[str, str], deadline: Deadline) -> None:
        self._client, self._headers, self._deadline = client, headers, deadline

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        own = {name: request.headers[name] for name in PACKAGE_HEADERS if name in request.headers}
        sent = self._client.stream(
            request.method,
            str(request.url),
            headers={**own, **self._headers},
            body=request.read(),
            deadline=self._deadline,
        )
        with ExitStack() as exits:
            stream = exits.enter_context(sent)
            received = [pair for pair in stream.headers.multi_items() if pair[0] != "content-encoding"]
            return httpx.Response(stream.status, headers=received, stream=_Body(exits.pop_all(), stream.body))


class _Body(httpx.SyncByteStream):
    def __init__(self, exits: ExitStack, pieces: Iterator[bytes]) -> None:
        self._exits, self._pieces = exits, pieces

    def __iter__(self) -> Iterator[bytes]:
        with self._exits:
            yield from self._pieces

    def close(self) -> None:
        self._exits.close()


def httpx_client(client: OutboundClient, headers: Mapping[str, str], deadline: Deadline) -> httpx.Client:
    """For one request of a package that takes an httpx client."""
    return httpx.Client(transport=OutboundTransport(client, headers, deadline), trust_env=False)
