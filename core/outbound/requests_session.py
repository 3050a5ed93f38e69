"""The outbound client in the place of the connections of `requests`, for packages that use a session of it."""

from __future__ import annotations

from typing import Any, cast

import requests
from requests.adapters import BaseAdapter

from core.outbound.client import OutboundClient

# Of what a package sends by itself. Others have its version and that of `requests`.
PACKAGE_HEADERS = ("accept", "authorization", "content-type")


class _Adapter(BaseAdapter):
    """Raises OutboundError where `requests` raises its own errors. Its timeouts have no effect."""

    def __init__(self, client: OutboundClient) -> None:
        super().__init__()
        self._client = client

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        headers, body = dict(request.headers), request.body or b""
        answer = self._client.request(
            request.method or "GET",
            request.url or "",
            headers={str(k): str(v) for k, v in headers.items() if str(k).lower() in PACKAGE_HEADERS},
            body=body.encode() if isinstance(body, str) else cast(bytes, body),
        )
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, answer.url, request
        response.headers.update(answer.headers)
        response._content = answer.body
        return response

    def close(self) -> None:
        self._client.close()


def requests_session(client: OutboundClient) -> requests.Session:
    """It closes the client with itself. Proxies and `.netrc` have no effect."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(client))
    return session
