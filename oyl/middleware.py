"""Middleware that belongs to no app."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware


class MethodPreservingRedirect(HttpResponsePermanentRedirect):
    """A 308: clients repeat the method and the body, while after a 301 a POST becomes a GET."""

    status_code = 308


class SlashMiddleware(CommonMiddleware):
    """Redirects URLs without the slash at the end, as Django's middleware does, but with a 308."""

    response_redirect_class = MethodPreservingRedirect


class RequestIdMiddleware:
    """Gives each request an id, which the response's `X-Request-ID`, the audit log and the logs contain."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        return response
