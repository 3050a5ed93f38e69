"""Django's ASGI handler, for an application without asynchronous views."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core.connections import run_in_thread

# uvloop raises it as a RuntimeError when the connection was lost a moment ago.
LOST = "the handler is closed"


class Handler(ASGIHandler):
    """Middleware and view run in one thread, one after another. Django would go back to the event loop between the view,
    hooks of middleware, and the middleware itself, which takes longer than most of these."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await run_in_thread(partial(self.get_response, request))

    async def send_response(self, response: HttpResponseBase, send: Callable[..., Awaitable[Any]]) -> None:
        """Django closes a response whose sending has ended or was cancelled, but not one whose sending has failed. It is for
        clients that disconnect while their answer is sent."""
        try:
            await super().send_response(response, send)
        except Exception as error:
            if isinstance(error, OSError) or LOST in str(error):
                return
            await run_in_thread(response.close)
            raise
