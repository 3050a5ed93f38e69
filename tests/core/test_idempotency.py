"""Requests with an Idempotency-Key to views that open scopes of their own, in particular streamed responses: they are stored
when they end, not when they break."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient
from django.urls import include, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.events import EventStream, frame
from core.api.idempotency import RepeatableRequest, StoredStream
from core.api.views import WRITE, TenantViewSet
from core.isolation.scope import tenant_scope
from core.models import IdempotencyKey
from tests.conftest import Person
from tests.support.api_client import Caller, assert_problem
from workspaces.models import Workspace


class Streams(TenantViewSet):
    model = Workspace
    area = "workspaces"
    roles = WRITE
    opens_own_scopes = True
    started = 0
    tail = b""

    def create(self, request: Request) -> EventStream:
        Streams.started += 1
        return EventStream(numbers(Streams.started))


async def numbers(started: int) -> AsyncIterator[bytes]:
    for number in range(3):
        yield frame("number", [started, number]) + Streams.tail


class Slow(Streams):
    """Answers without a stream, or fails."""

    is_failing = False

    def create(self, request: Request) -> Response:  # type: ignore[override]
        Streams.started += 1
        time.sleep(0.5)
        if Slow.is_failing:
            raise RuntimeError
        return Response({"started": Streams.started})


urlpatterns = [
    path("api/v1/streams/", Streams.as_view({"post": "create"})),
    path("api/v1/slow/", Slow.as_view({"post": "create"})),
    path("", include("oyl.urls")),
]


@pytest.fixture(autouse=True)
def own_urls(settings):
    settings.ROOT_URLCONF = __name__
    Streams.started, Streams.tail, Slow.is_failing = 0, b"", False


def expire(owner: Person, key: str) -> None:
    with tenant_scope(owner.tenant_id):
        IdempotencyKey.objects.filter(key=key).update(expires_at=timezone.now())


def post(caller: Caller, key: str, parts: int | None = None) -> tuple[Any, bytes]:
    """The response and its content; the client disconnects after `parts` events, and before the first one if it is 0."""

    async def receive() -> tuple[Any, bytes]:
        headers = {"Authorization": f"Bearer {caller.key.secret}", "Idempotency-Key": key}
        response: Any = await AsyncClient().post(
            "/api/v1/streams/", {}, content_type="application/json", headers=headers
        )
        if not response.streaming:
            return response, response.content
        content, body = response.streaming_content, b""
        while body.count(b"event:") != parts and (part := await anext(content, None)):
            body += part
        await sync_to_async(response.close)()  # as Django's handler does when the client has disconnected
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


def test_stream_that_was_never_read_can_be_requested_again(caller: Caller):
    key = uuid4().hex
    assert post(caller, key, parts=0)[1] == b""
    assert post(caller, key)[1].count(b"event:") == 3


@pytest.mark.parametrize("tail", [b"\0", b"\xff"])
def test_stream_that_cannot_be_stored_is_not_repeated(tail: bytes, caller: Caller):
    key, Streams.tail = uuid4().hex, tail
    assert post(caller, key)[1].count(tail) == 3
    assert post(caller, key)[1].count(tail) == 3
    assert Streams.started == 2


def test_stream_of_a_killed_process_is_under_way_until_its_lease_expires(
    owner: Person, caller: Caller, monkeypatch
):
    key = uuid4().hex
    with monkeypatch.context() as killed:
        killed.setattr(RepeatableRequest, "release", lambda *_: None)
        post(caller, key, parts=1)
    response, body = post(caller, key)
    assert (response.status_code, b"request_under_way" in body) == (409, True)
    expire(owner, key)
    assert post(caller, key)[0].status_code == 200


@pytest.mark.parametrize("is_complete", [True, False])
def test_end_of_an_expired_stream_does_not_concern_its_repetition(
    is_complete: bool, owner: Person, caller: Caller
):
    key = uuid4().hex
    repeated = post(caller, key)[1]
    stream = StoredStream(RepeatableRequest(owner.actor, uuid4()), None)
    if is_complete:
        stream._finish(b"other")
    stream.close()
    assert post(caller, key)[1] == repeated


def test_simultaneous_requests_have_one_effect(caller: Caller):
    headers = {"Idempotency-Key": uuid4().hex}

    def send(_: int) -> Any:
        try:
            return caller.post("slow/", {}, **headers)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        responses = list(threads.map(send, range(4)))
    assert Streams.started == 1
    assert sorted(response.status_code for response in responses) == [200, 409, 409, 409]
    assert caller.post("slow/", {}, **headers).json() == {"started": 1}


def test_failed_request_can_be_sent_again(caller: Caller):
    headers, Slow.is_failing = {"Idempotency-Key": uuid4().hex}, True
    with pytest.raises(RuntimeError):
        caller.post("slow/", {}, **headers)
    Slow.is_failing = False
    assert caller.post("slow/", {}, **headers).json() == {"started": 2}


def test_answer_that_is_too_long_is_not_kept(owner: Person, caller: Caller):
    """The object is made once; its row and event are the only copies of the text."""
    headers, text = {"Idempotency-Key": uuid4().hex}, "x" * 90_000
    workspace = caller.post("workspaces/", {"name": "Main"}).json()["id"]
    body = {"workspace": workspace, "name": "Bee", "instruction": text}
    made = caller.post("assistants/", body, **headers)
    assert made.status_code == 201
    problem = assert_problem(caller.post("assistants/", body, **headers), 409, "answer_not_kept")
    assert made.json()["id"] in problem["detail"] and "201" in problem["detail"]
    with tenant_scope(owner.tenant_id):
        assert len(IdempotencyKey.objects.get(key=headers["Idempotency-Key"]).body) < 100
    assert caller.get("assistants/?name=Bee").json()["results"][0]["instruction"] == text


def test_stream_that_is_too_long_is_not_kept(caller: Caller):
    key, Streams.tail = uuid4().hex, b"x" * 40_000
    assert len(post(caller, key)[1]) > 100_000
    response, body = post(caller, key)
    assert (response.status_code, b"answer_not_kept" in body, Streams.started) == (409, True, 1)
