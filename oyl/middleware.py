"""Middleware that belongs to no app."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware


class RepeatableRequest(HttpResponsePermanentRedirect):
    """The client sends the same method and body again; after a 301 a POST would become a GET."""

    status_code = 308


class SlashMiddleware(CommonMiddleware):
    """Django's, which sends whoever forgets the slash at the end of an address there."""

    response_redirect_class = RepeatableRequest


class RequestIdMiddleware:
    """Every answer names its request in `X-Request-ID`; audit and logs use the same id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        return response
