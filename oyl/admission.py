"""Refuses what nobody has to look at: bodies before anything of them is kept, because Django writes them to the disk
before it asks who sends them, and whoever asks on though they were told to wait, so that others do not pay for that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from io import BytesIO
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from core.api.problems import plain_problem, too_many_requests
from core.rate_limits import rate_limiter
from core.requests import API_PREFIXES, rate_limit_key

Scope = MutableMapping[str, Any]
Call = Callable[..., Awaitable[Any]]
LENGTHLESS = "Say in Content-Length how long the body is."
TOO_LARGE = "A request may have {most:,} bytes. Send fewer files at a time."


class AdmissionMiddleware:
    """Around an ASGI application."""

    def __init__(self, application: Call) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._application(scope, receive, send)
        else:
            await _answer(refusal, send)


def _refusal(scope: Scope) -> HttpResponse | None:
    request: Any = ASGIRequest(scope, BytesIO())
    request.id = uuid4().hex
    response = _not_yet(request) or _not_this(request)
    if response is not None:
        response["X-Request-ID"] = request.id
    return response


def _not_yet(request: Any) -> HttpResponse | None:
    told = (
        rate_limiter().cached_refusal(rate_limit_key(request))
        if request.path_info.startswith(API_PREFIXES)
        else None
    )
    return too_many_requests(request, told) if told else None


def _not_this(request: Any) -> HttpResponse | None:
    """The server holds a client to the length that it says. Of a body without one Django's parsers would see nothing."""
    length, most = request.META.get("CONTENT_LENGTH", "0"), settings.OYL_UPLOAD_MB << 20
    if "Transfer-Encoding" in request.headers:
        return plain_problem(request, 411, "length_required", LENGTHLESS)
    if int(length if length.isdigit() else 0) > most:
        return plain_problem(request, 413, "too_large", TOO_LARGE.format(most=most))
    return None


async def _answer(response: HttpResponse, send: Call) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
