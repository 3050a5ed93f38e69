"""Questions over REST, and the events of their answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from tests.conversations.conftest import Desk
from tests.support.api_client import Caller

QUESTION = "How do honey bees tell where flowers are?"
Events = list[tuple[str, dict[str, Any]]]


def path_of(desk: Desk) -> str:
    return f"assistants/{desk.assistant.pk}/ask/"


def ask(caller: Caller, desk: Desk, question: str = QUESTION, **fields: Any) -> Any:
    return caller.post(path_of(desk), {"question": question, **fields})


def stream(
    caller: Caller,
    method: str,
    path: str,
    data: Any = None,
    *,
    on: Callable[[Events], object] = lambda events: None,
    until: Callable[[Events], bool] = lambda events: False,
    last: int = 0,
) -> Events:
    """The events of a stream; `on` is called after each of them, and the client goes when `until` says so."""
    received: Events = []

    async def listen() -> None:
        client = AsyncClient()
        given = {
            "Authorization": f"Bearer {caller.key.secret}",
            "Accept": "text/event-stream",
            "Last-Event-ID": str(last),
        }
        body = {} if data is None else {"data": data, "content_type": "application/json"}
        response: Any = await getattr(client, method)(f"/api/v1/{path}", headers=given, **body)
        assert response["Content-Type"] == "text/event-stream", response.content
        parts = response.streaming_content
        async for part in parts:
            for event in filter(None, part.decode().split("\n\n")):
                fields = dict(line.split(": ", 1) for line in event.split("\n"))
                if "event" in fields:
                    received.append((fields["event"], json.loads(fields["data"])))
            await sync_to_async(on)(received)
            if until(received):
                await parts.aclose()
                return

    async def listen_and_close() -> None:
        try:
            await asyncio.wait_for(listen(), 60)
        finally:
            await sync_to_async(connections.close_all)()

    asyncio.run(listen_and_close())
    return received
