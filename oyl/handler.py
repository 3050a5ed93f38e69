"""Django's ASGI handler, for clients that disconnect while their answer is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.http.response import HttpResponseBase

from core.connections import run_in_thread

# uvloop raises it as a RuntimeError when the connection was lost a moment ago.
LOST = "the handler is closed"


class Handler(ASGIHandler):
    async def send_response(self, response: HttpResponseBase, send: Callable[..., Awaitable[Any]]) -> None:
        """Django closes a response whose sending has ended or was cancelled, but not one whose sending has failed."""
        try:
            await super().send_response(response, send)
        except Exception as error:
            if isinstance(error, OSError) or LOST in str(error):
                return
            await run_in_thread(response.close)
            raise
