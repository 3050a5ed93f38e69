"""Django's ASGI handler, for clients that disconnect while their answer is sent, and with threads that are kept."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler
from django.http.response import HttpResponseBase

from core.connections import give_back_connections, run_in_thread

# uvloop raises it as a RuntimeError when the connection was lost a moment ago.
LOST = "the handler is closed"
# So many threads wait for requests; asgiref would start one for each request.
IDLE_THREADS = 40


class Handler(ASGIHandler):
    def create_request(self, scope: Mapping[str, Any], body_file: IO[bytes]) -> Any:
        """The body has been read. Django's parsers ignore one whose length no header says, as that of a chunked request."""
        if any(name == b"transfer-encoding" for name, _ in scope["headers"]):
            length = str(body_file.seek(0, os.SEEK_END)).encode()
            body_file.seek(0)
            others = [
                one for one in scope["headers"] if one[0] not in (b"transfer-encoding", b"content-length")
            ]
            scope = {**scope, "headers": [*others, (b"content-length", length)]}
        return super().create_request(scope, body_file)

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[ThreadPoolExecutor] = []
        os.register_at_fork(after_in_child=self._idle.clear)  # threads do not survive a fork

    def load_middleware(self, is_async: bool = False) -> None:
        """Middleware and views are synchronous. Django's own way goes to the event loop and back between them."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: Any) -> Any:
        return await run_in_thread(lambda: self.get_response(request))

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[..., Awaitable[Any]],
        send: Callable[..., Awaitable[Any]],
    ) -> None:
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await super().__call__(scope, receive, send)
        finally:
            thread.submit(self._keep, thread)

    def _keep(self, thread: ThreadPoolExecutor) -> None:
        """Runs in the thread, which has then ended what a request that was cancelled has left to it."""
        give_back_connections()
        if len(self._idle) < IDLE_THREADS:
            self._idle.append(thread)
        else:
            thread.shutdown(wait=False)

    async def send_response(self, response: HttpResponseBase, send: Callable[..., Awaitable[Any]]) -> None:
        """Django closes a response whose sending has ended or was cancelled, but not one whose sending has failed."""
        try:
            await super().send_response(response, send)
        except Exception as error:
            if isinstance(error, OSError) or LOST in str(error):
                return
            await run_in_thread(response.close)
            raise
