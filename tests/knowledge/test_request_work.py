"""Requests that keep the processors busy: a few at once of each tenant, and an end when nobody waits any more."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from core import request_work
from core.isolation.scope import tenant_scope
from core.quota_kinds import QuotaKind
from core.quotas import charge, standings
from core.request_work import CLIENT_LEFT, embedding_slots
from core.tenant_slots import TenantSlots, TooBusyError
from knowledge.engine_config import default_embedder
from knowledge.openai import embeddings
from oyl.disconnects import DisconnectMiddleware
from tests.conftest import Person
from tests.support.api_client import Caller, make_caller


def embed(caller: Caller, count: int) -> Any:
    body = {"model": default_embedder().model, "input": [f"text {uuid4()}" for _ in range(count)]}
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    return client.post("/v1/embeddings", body, content_type="application/json")


def tokens(person: Person) -> int:
    with tenant_scope(person.tenant_id):
        return next(one.used for one in standings() if one.kind == QuotaKind.EMBEDDING)


def test_third_request_of_a_tenant_is_told_to_wait(owner: Person, stranger: Person, monkeypatch):
    monkeypatch.setattr(embedding_slots(), "_wait_seconds", 0.1)
    with embedding_slots().hold(owner.tenant_id), embedding_slots().hold(owner.tenant_id):
        answer = embed(make_caller(owner), 1)
        assert (answer.status_code, answer["Retry-After"]) == (429, str(request_work.RETRY_SECONDS))
        assert answer.json()["error"]["code"] == "too_busy"
        assert embed(make_caller(stranger), 1).status_code == 200
    assert embed(make_caller(owner), 1).status_code == 200


def test_slots_of_a_tenant_are_forgotten_when_they_are_free(tenant):
    slots = TenantSlots(most=1, wait_seconds=0)
    with slots.hold(tenant), pytest.raises(TooBusyError), slots.hold(tenant):
        pass
    assert not slots._held


def test_work_ends_when_its_time_is_up(owner: Person, caller: Caller, monkeypatch):
    monkeypatch.setattr(embeddings, "SECONDS", -1)
    answer = embed(caller, 3)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "took_too_long")
    assert tokens(owner) == 0


def test_work_ends_after_a_slice_when_the_client_has_left(owner: Person, caller: Caller, monkeypatch):
    """Only the slices that were embedded are counted."""
    left, slices = Event(), list[int]()

    def leaving(**arguments: Any) -> None:
        charge(**arguments)
        slices.append(arguments["amounts"][QuotaKind.EMBEDDING])
        left.set()

    def begin(work: Any, request: Any, seconds: float) -> None:
        work._client_left, work._deadline = left, float("inf")

    monkeypatch.setattr(embeddings, "charge", leaving)
    monkeypatch.setattr(request_work.RequestWork, "__init__", begin)
    answer = embed(caller, 3 * embeddings.SLICE_TEXTS)
    assert answer.json()["error"]["code"] == "client_left"
    assert len(slices) == 1 and tokens(owner) == slices[0]


def test_disconnection_reaches_the_request():
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope[CLIENT_LEFT].is_set())
        await receive()
        seen.append(scope[CLIENT_LEFT].is_set())

    async def disconnected() -> Any:
        return {"type": "http.disconnect"}

    middleware: Any = DisconnectMiddleware(application)
    asyncio.run(middleware({"type": "http"}, disconnected, None))
    assert seen == [False, True]
