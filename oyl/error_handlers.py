"""Django's error responses: a page for browsers, problem details for the API."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

from core.api.problems import BUSY_SECONDS, NOT_FOUND, plain_problem, service_busy
from core.connections import is_database_busy
from core.errors import TookTooLongError
from core.requests import API_PREFIXES

BAD = "The request cannot be understood: its host, path, headers or a value in it are not well-formed."
BROKEN = "Something in OYL failed. Its log names the cause under this request id."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path_info.startswith(API_PREFIXES):
        return plain_problem(request, 400, "bad_request", BAD)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if f"{request.path_info}/".startswith(API_PREFIXES):
        return plain_problem(request, 404, "not_found", NOT_FOUND)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls it while it handles the exception."""
    is_api = request.path_info.startswith(API_PREFIXES)
    if is_database_busy(sys.exc_info()[1]):
        if is_api:
            return service_busy(request)
        return HttpResponse(
            render_to_string("busy.html"), status=503, headers={"Retry-After": str(BUSY_SECONDS)}
        )
    if is_api:
        return plain_problem(request, 500, "internal_error", BROKEN)
    return defaults.server_error(request)


def took_too_long(request: HttpRequest) -> HttpResponse:
    """For statements that PostgreSQL stopped: `core.isolation.time_limits`."""
    if request.path_info.startswith(API_PREFIXES):
        error = TookTooLongError()
        return plain_problem(request, 503, error.code, str(error))
    return HttpResponse(render_to_string("503.html"), status=503)
