"""A streamed answer to a request with an Idempotency-Key: kept when it ends, not when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient
from django.urls import include, path
from rest_framework.request import Request

from core.api import idempotency
from core.api.events import EventStream, frame
from core.api.views import WRITE, TenantViewSet
from tests.api.conftest import Caller
from workspaces.models import Workspace


class Streams(TenantViewSet):
    model = Workspace
    area = "workspaces"
    roles = WRITE
    opens_own_scopes = True
    begun = 0

    def create(self, request: Request) -> EventStream:
        Streams.begun += 1
        return EventStream(numbers(Streams.begun))


async def numbers(begun: int) -> AsyncIterator[bytes]:
    for number in range(3):
        yield frame("number", [begun, number])


urlpatterns = [path("api/v1/streams/", Streams.as_view({"post": "create"})), path("", include("oyl.urls"))]


@pytest.fixture(autouse=True)
def own_address(settings):
    settings.ROOT_URLCONF = __name__
    Streams.begun = 0


def ask(caller: Caller, key: str, parts: int | None = None) -> tuple[Any, bytes]:
    """The answer, and what its stream says; after `parts` parts the client goes."""

    async def listen() -> tuple[Any, bytes]:
        headers = {"Authorization": f"Bearer {caller.made.secret}", "Idempotency-Key": key}
        answer: Any = await AsyncClient().post(
            "/api/v1/streams/", {}, content_type="application/json", headers=headers
        )
        if not answer.streaming:
            return answer, answer.content
        content, body = answer.streaming_content, b""
        async for part in content:
            body += part
            if body.count(b"event:") == parts:
                break
        await content.aclose()
        return answer, body

    async def listen_and_close() -> tuple[Any, bytes]:
        try:
            return await listen()
        finally:
            await asyncio.sleep(0.1)  # the loop closes abandoned generators
            await sync_to_async(connections.close_all)()

    return asyncio.run(listen_and_close())


def test_a_streamed_answer_is_repeated_as_it_was(caller: Caller):
    key = uuid4().hex
    first, said = ask(caller, key)
    again, repeated = ask(caller, key)
    assert (first.status_code, said.count(b"event: number"), Streams.begun) == (200, 3, 1)
    assert repeated == said
    assert (again["Content-Type"], again["Idempotency-Replayed"]) == ("text/event-stream", "true")
    assert ask(caller, uuid4().hex)[1] != said


def test_a_broken_stream_can_be_sent_again(caller: Caller):
    key = uuid4().hex
    assert ask(caller, key, parts=1)[1].count(b"event:") == 1
    assert ask(caller, key)[1].count(b"event:") == 3
    assert Streams.begun == 2


def test_a_stream_that_is_not_over_is_under_way(caller: Caller, monkeypatch):
    key = uuid4().hex
    monkeypatch.setattr(idempotency.Repeatable, "_end", lambda *_: None)  # as when the process was killed
    ask(caller, key, parts=1)
    answer, body = ask(caller, key)
    assert (answer.status_code, b"request_under_way" in body) == (409, True)
    monkeypatch.setattr(idempotency, "MAX_SECONDS", 0)
    assert ask(caller, key)[0].status_code == 200
