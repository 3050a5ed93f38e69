"""A streamed response to a request with an Idempotency-Key: stored when it ends, not when it breaks."""

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
    started = 0

    def create(self, request: Request) -> EventStream:
        Streams.started += 1
        return EventStream(numbers(Streams.started))


async def numbers(started: int) -> AsyncIterator[bytes]:
    for number in range(3):
        yield frame("number", [started, number])


urlpatterns = [path("api/v1/streams/", Streams.as_view({"post": "create"})), path("", include("oyl.urls"))]


@pytest.fixture(autouse=True)
def own_urls(settings):
    settings.ROOT_URLCONF = __name__
    Streams.started = 0


def post(caller: Caller, key: str, parts: int | None = None) -> tuple[Any, bytes]:
    """The response and its content; the client disconnects after `parts` events."""

    async def receive() -> tuple[Any, bytes]:
        headers = {"Authorization": f"Bearer {caller.key.secret}", "Idempotency-Key": key}
        response: Any = await AsyncClient().post(
            "/api/v1/streams/", {}, content_type="application/json", headers=headers
        )
        if not response.streaming:
            return response, response.content
        content, body = response.streaming_content, b""
        async for part in content:
            body += part
            if body.count(b"event:") == parts:
                break
        await content.aclose()
        return response, body

    async def receive_and_close() -> tuple[Any, bytes]:
        try:
            return await receive()
        finally:
            await asyncio.sleep(0.1)  # the loop closes abandoned generators
            await sync_to_async(connections.close_all)()

    return asyncio.run(receive_and_close())


def test_streamed_response_is_replayed(caller: Caller):
    key = uuid4().hex
    first, content = post(caller, key)
    repeated, replayed = post(caller, key)
    assert (first.status_code, content.count(b"event: number"), Streams.started) == (200, 3, 1)
    assert replayed == content
    assert (repeated["Content-Type"], repeated["Idempotency-Replayed"]) == ("text/event-stream", "true")
    assert post(caller, uuid4().hex)[1] != content


def test_broken_stream_can_be_requested_again(caller: Caller):
    key = uuid4().hex
    assert post(caller, key, parts=1)[1].count(b"event:") == 1
    assert post(caller, key)[1].count(b"event:") == 3
    assert Streams.started == 2


def test_unfinished_stream_is_still_under_way(caller: Caller, monkeypatch):
    key = uuid4().hex
    monkeypatch.setattr(
        idempotency.RepeatableRequest, "_finish_stream", lambda *_: None
    )  # as when the process was killed
    post(caller, key, parts=1)
    response, body = post(caller, key)
    assert (response.status_code, b"request_under_way" in body) == (409, True)
    monkeypatch.setattr(idempotency, "MAX_SECONDS", 0)
    assert post(caller, key)[0].status_code == 200
