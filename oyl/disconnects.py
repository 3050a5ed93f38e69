"""Telling long work that its client has disconnected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from core.request_work import CLIENT_LEFT, ClientLeft

Scope = MutableMapping[str, Any]
Call = Callable[..., Awaitable[Any]]


class DisconnectMiddleware:
    """ASGI middleware. Django's handler waits for the client's disconnection all the time; views run in threads, which it
    cannot stop, so that they look at this event (`core.request_work.RequestWork`)."""

    def __init__(self, application: Call) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        left = ClientLeft()

        async def watched() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                left.set()
            return message

        await self._application({**scope, CLIENT_LEFT: left}, watched, send)
