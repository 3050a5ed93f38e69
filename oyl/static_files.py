"""Static files from the web process itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from servestatic.middleware import ServeStaticMiddleware

from core.connections import run_in_thread


class StaticFilesMiddleware:
    """ServeStatic's middleware is asynchronous. In front of all others, it would make every request change threads, so that
    only those for static files pass through it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        async def absent(request: HttpRequest) -> HttpResponseBase:
            return await run_in_thread(partial(get_response, request))

        self._get_response = get_response
        self._get_static_file = async_to_sync(ServeStaticMiddleware(absent))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_static = request.path_info.startswith(settings.STATIC_URL)
        return self._get_static_file(request) if is_static else self._get_response(request)
