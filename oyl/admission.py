"""Refuses requests before Django sees them: bodies that are too large or of unknown senders, and clients that ignore
Retry-After, because they would cost the others time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import closing
from io import BytesIO
from typing import Any
from uuid import uuid4

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseBadRequest

from core.api.problems import too_many_requests
from core.concurrency import SCOPE_NAME, Slots
from core.rate_limits import RateLimitResult, rate_limiter
from core.requests import API_PREFIXES, client_group, rate_limit_key
from oyl.access_log import note
from oyl.bodies import CountedBody, refuse_body
from oyl.response_headers import with_headers

Scope = MutableMapping[str, Any]
Call = Callable[..., Awaitable[Any]]


class AdmissionMiddleware:
    """ASGI middleware."""

    def __init__(self, application: Call) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        with closing(Slots()) as slots:
            scope[SCOPE_NAME] = slots
            refusal = await self._serve(scope, receive, send, slots)
        if refusal is None:
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in refusal.items()]
        await send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": refusal.content})

    async def _serve(self, scope: Scope, receive: Call, send: Call, slots: Slots) -> HttpResponse | None:
        """The refusal; None if the application has answered."""
        try:
            request: Any = ASGIRequest(scope, BytesIO())
        except UnicodeDecodeError:
            return with_headers(
                HttpResponseBadRequest("The query of the address is not UTF-8.", content_type="text/plain")
            )
        request.id = uuid4().hex
        refusal = await _refusal(request, slots)
        if refusal is None:
            body = CountedBody(request, slots, receive)
            await self._application(scope, body, send)
            refusal = body.refusal
        if refusal is None:
            return None
        note(request)
        refusal["X-Request-ID"] = request.id
        return with_headers(refusal)


async def _refusal(request: Any, slots: Slots) -> HttpResponse | None:
    cached = _cached_refusal(request) if request.path_info.startswith(API_PREFIXES) else None
    return too_many_requests(request, cached) if cached else await refuse_body(request, slots)


def _cached_refusal(request: Any) -> RateLimitResult | None:
    return rate_limiter().cached_refusal(credential=rate_limit_key(request), address=client_group(request))
