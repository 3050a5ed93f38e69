"""Middleware that belongs to no app."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import uuid4

from asgiref.sync import async_to_sync
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from servestatic.middleware import ServeStaticMiddleware

from core.api.problems import too_busy
from core.connections import give_back_connections
from core.isolation.time_limits import was_stopped
from core.tenant_slots import TooBusyError
from oyl.access_log import note
from oyl.error_handlers import bad_request, took_too_long

logger = logging.getLogger(__name__)


class MethodPreservingRedirect(HttpResponsePermanentRedirect):
    """A 308: clients repeat the method and the body, while after a 301 a POST becomes a GET."""

    status_code = 308


class SlashMiddleware(CommonMiddleware):
    """Redirects URLs without the slash at the end, as Django's middleware does, but with a 308."""

    response_redirect_class = MethodPreservingRedirect


class StaticFilesMiddleware:
    """Serves the collected files by servestatic, whose own middleware is asynchronous: other requests would go to the event
    loop and back to their thread once more."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response, self._static = get_response, ServeStaticMiddleware(_nowhere)
        self._find = self._static.find_file if self._static.autorefresh else self._static.files.get

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if file := self._find(request.path_info):
            response: HttpResponseBase = async_to_sync(self._static.aserve)(file, request)
            return response
        return self.get_response(request)


async def _nowhere(request: HttpRequest) -> HttpResponseBase:
    raise AssertionError("requests for what is no file go on")


class ConnectionMiddleware:
    """Gives the request's database connection back before the response is sent, because a client may read it slowly. It
    runs in the thread that used the connection, also when the client has gone and the request is cancelled."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            give_back_connections()


class RequestIdMiddleware:
    """Gives each request an id, which the response's `X-Request-ID`, the audit log and the logs contain."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid4().hex  # type: ignore[attr-defined]
        note(request)
        response = self.get_response(request)
        response["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        return response


class DatabaseErrorMiddleware:
    """Answers what PostgreSQL refuses because of the request: 503 when it took too long, 429 when other requests of its
    tenant use all connections that they may, 400 when a value can neither be stored nor compared, such as a NUL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if was_stopped(error):
            logger.warning("%s %s was stopped: %s", request.method, request.path, error)
            return took_too_long(request)
        if isinstance(error, TooBusyError):
            return too_busy(request, error)
        if isinstance(error, DataError):
            logger.warning(
                "%s %s has a value that PostgreSQL refuses", request.method, request.path, exc_info=error
            )
            return bad_request(request, error)
        return None
