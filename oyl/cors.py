"""Cross-origin requests of browsers (CORS), from the origins of a setting: with API keys, and never with cookies.

It stands outside of Django, because browsers need the headers in the refusals of `oyl.admission`, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from core.requests import API_PREFIXES

Scope = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]
Call = Callable[..., Awaitable[Any]]
METHODS = b"GET, HEAD, POST, PATCH, DELETE"
# What scripts may read besides the body and a few headers that every answer shows them.
EXPOSED = ", ".join(
    (
        *(
            "Accept-Ranges",
            "Allow",
            "Content-Disposition",
            "Content-Range",
            "ETag",
            "Idempotency-Replayed",
            "Location",
        ),
        *("RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Request-ID"),
    )
).encode()
MAX_AGE = b"7200"


class CorsMiddleware:
    """ASGI middleware. Without origins in the setting, it does nothing."""

    def __init__(self, application: Call) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        if not settings.OYL_CORS_ORIGINS or not str(scope.get("path", "")).startswith(API_PREFIXES):
            await self._application(scope, receive, send)
            return
        given = dict(scope["headers"])
        origin = given.get(b"origin", b"")
        added: Headers = [(b"vary", b"Origin")]
        if _is_allowed(origin):
            added += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED)]
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in given:
                await _send_preflight(send, added, given.get(b"access-control-request-headers", b""))
                return
            scope = {**scope, "headers": [one for one in scope["headers"] if one[0] != b"cookie"]}

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await self._application(scope, receive, with_headers)


def _is_allowed(origin: bytes) -> bool:
    return bool(origin) and not {origin.decode("latin-1"), "*"}.isdisjoint(settings.OYL_CORS_ORIGINS)


async def _send_preflight(send: Call, added: Headers, asked: bytes) -> None:
    """Any header may be sent: clients have some of their own, and the API ignores those that it does not know."""
    headers = [
        *added,
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", asked),
        (b"access-control-max-age", MAX_AGE),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
