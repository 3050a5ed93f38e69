"""Refuses requests before Django sees them: bodies that are too large, because Django would write them to the disk before
it authenticates the sender; and clients that ignore Retry-After, because they would cost the others time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from io import BytesIO
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from core.api.problems import plain_problem, too_many_requests
from core.concurrency import SCOPE_NAME, Slots
from core.rate_limits import RateLimitResult, rate_limiter
from core.requests import API_PREFIXES, client_address, rate_limit_key

Scope = MutableMapping[str, Any]
Call = Callable[..., Awaitable[Any]]
LENGTHLESS = "Say in Content-Length how long the body is."
TOO_LARGE = "A request may have {most:,} bytes. Send fewer files at a time."


class AdmissionMiddleware:
    """ASGI middleware."""

    def __init__(self, application: Call) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        refusal = _refusal(scope)
        if refusal is None:
            scope[SCOPE_NAME] = slots = Slots()
            try:
                await self._application(scope, receive, send)
            finally:
                slots.close()
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in refusal.items()]
        await send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": refusal.content})


def _refusal(scope: Scope) -> HttpResponse | None:
    request: Any = ASGIRequest(scope, BytesIO())
    request.id = uuid4().hex
    cached = _cached_refusal(request) if request.path_info.startswith(API_PREFIXES) else None
    response = too_many_requests(request, cached) if cached else _length_problem(request)
    if response is not None:
        response["X-Request-ID"] = request.id
    return response


def _cached_refusal(request: Any) -> RateLimitResult | None:
    return rate_limiter().cached_refusal(credential=rate_limit_key(request), address=client_address(request))


def _length_problem(request: Any) -> HttpResponse | None:
    """Content-Length suffices: the server reads no more than that, and Django's parsers ignore a body without it."""
    length, most = request.META.get("CONTENT_LENGTH", "0"), settings.OYL_UPLOAD_MB << 20
    if "Transfer-Encoding" in request.headers:
        return plain_problem(request, 411, "length_required", LENGTHLESS)
    if int(length if length.isdigit() else 0) > most:
        return plain_problem(request, 413, "too_large", TOO_LARGE.format(most=most))
    return None
