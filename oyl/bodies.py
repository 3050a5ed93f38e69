"""Refuses bodies before anything of them is kept: Django writes them to the disk before it asks who sends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants.api.problems import plain_problem

Scope = MutableMapping[str, Any]
Call = Callable[..., Awaitable[Any]]
LENGTHLESS = "Say in Content-Length how long the body is."
TOO_LARGE = "A request may have {most:,} bytes. Send fewer files at a time."


class LimitedBodies:
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
    """The server holds a client to the length that it says. Of a body without one Django's parsers would see nothing."""
    headers, most = dict(scope["headers"]), settings.OYL_UPLOAD_MB << 20
    length = headers.get(b"content-length", b"0")
    if b"transfer-encoding" in headers:
        return _problem(scope, 411, "length_required", LENGTHLESS)
    if int(length if length.isdigit() else 0) > most:
        return _problem(scope, 413, "too_large", TOO_LARGE.format(most=most))
    return None


def _problem(scope: Scope, status: int, code: str, detail: str) -> HttpResponse:
    request = HttpRequest()
    request.path_info, request.id = scope["path"], uuid4().hex  # type: ignore[attr-defined]
    response = plain_problem(request, status, code, detail)
    response["X-Request-ID"] = request.id  # type: ignore[attr-defined]
    return response


async def _answer(response: HttpResponse, send: Call) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
