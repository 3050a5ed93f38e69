"""`events/`: what happens in the organisation, as a stream that is resumed without a gap."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient

from audit import tail
from audit.services import record
from conversations.services.feedback import give_feedback
from core.api import events
from core.isolation.scope import tenant_scope
from core.models import QuotaLimit
from core.permissions import Role
from core.quota_kinds import QuotaKind
from knowledge.services.changing import delete_documents
from knowledge.services.references import get_or_create_reference
from tenants.services.api_keys import revoke_api_key
from tests.conftest import Person, make_member
from tests.conversations.conftest import make_desk
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.support.server import running_server
from webhooks.events import ANSWERS, FEEDBACK


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "POLL_SECONDS", (0.01, 0.01))
    monkeypatch.setattr(tail, "SECONDS", 0.0)


@pytest.fixture
def library(owner: Person, tmp_path: Any) -> Library:
    return make_library(owner, tmp_path)


def follow(
    caller: Caller, after: int | None, is_enough: Callable[[list[Any]], bool], action: Any = None
) -> list[Any]:
    """The events until there are enough; `action` is called when the stream has begun."""
    received: list[dict[str, Any]] = []

    async def listen() -> None:
        headers = {"Authorization": f"Bearer {caller.key.secret}"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        response: Any = await AsyncClient().get("/api/v1/events/", headers=headers)
        assert response["Content-Type"] == "text/event-stream", response.content
        frames = response.streaming_content
        await anext(frames)
        if action:
            await sync_to_async(action)()
        async for frame in frames:
            position, _, data = frame.decode().removesuffix("\n\n").partition("\ndata: ")
            if data:
                received.append(json.loads(data))
                assert position == f"id: {received[-1]['id']}"
            if is_enough(received):
                break
        await frames.aclose()

    async def listen_and_close() -> None:
        try:
            await asyncio.wait_for(listen(), 30)
        finally:
            await sync_to_async(connections.close_all)()  # of the thread that runs the view

    asyncio.run(listen_and_close())
    return received


def types(found: list[dict[str, Any]]) -> list[str]:
    return [one["type"] for one in found]


def past(caller: Caller, last: str = "reference.reembedding_finished") -> list[dict[str, Any]]:
    """All events so far. A last one, which every key with the scope for knowledge sees, is added first."""
    return follow(caller, 0, lambda found: last in types(found))[:-1]


def end(library: Library) -> None:
    with tenant_scope(library.tenant_id):
        reference = library.reference
        record(actor=library.person.actor, action="reference.reembedding_finished", target=reference)


def test_document_is_followed_from_its_upload_to_its_end(library: Library, caller: Caller) -> None:
    ids = []

    def live() -> None:
        document = library.add("bees.md", BEES)
        delete_documents(actor=library.person.actor, document_ids=[document.pk])
        ids.append(str(document.pk))

    found = follow(caller, None, lambda found: "documents.deleted" in types(found), live)
    assert types(found) == ["documents.added", "document.indexed", "documents.deleted"]
    assert all((one["documents"], one["count"]) == (ids, 1) for one in found)
    assert found[0]["workspace"] == str(library.reference.workspace_id)
    assert "bees" not in json.dumps(found)
    resumed = follow(caller, found[0]["id"], lambda found: len(found) == 2)
    assert resumed == found[1:]


def test_event_that_is_committed_late_is_not_skipped(library: Library, caller: Caller) -> None:
    documents = [library.add("bees.md", BEES), library.add("rivers.md", RIVERS)]
    start = tail.tail.newest(library.tenant_id)
    has_written, may_commit = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with tenant_scope(library.tenant_id):
                record(actor=library.person.actor, action="document.described", target=documents[0])
                has_written.set()
                assert may_commit.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        assert has_written.wait(20)
        with tenant_scope(library.tenant_id):
            record(actor=library.person.actor, action="document.described", target=documents[1])
        first = follow(caller, start, lambda found: len(found) == 1)
        may_commit.set()
        writing.result()
    second = follow(caller, first[-1]["id"], lambda found: len(found) == 1)
    assert [one["documents"] for one in (*first, *second)] == [[str(one.pk)] for one in reversed(documents)]


def test_bound_key_is_sent_events_of_its_object(library: Library, owner: Person) -> None:
    other = get_or_create_reference(actor=owner.actor, workspace="Main", reference="Other")
    document, hidden = library.add("bees.md", BEES), make_other(library, other)
    delete_documents(actor=owner.actor, document_ids=[document.pk, hidden])
    end(library)
    found = past(make_caller(owner, bound=("reference", library.reference.pk)))
    assert types(found) == ["documents.added", "document.indexed", "documents.deleted"]
    assert all((one["documents"], one["count"]) == ([str(document.pk)], 1) for one in found)


def make_other(library: Library, reference: Any) -> Any:
    other = Library(person=library.person, reference=reference, folder=library.folder)
    return other.add("rivers.md", RIVERS).pk


def test_conversations_are_followed_by_those_who_can_read_them(owner: Person, tmp_path: Any) -> None:
    desk = make_desk(owner, tmp_path / "desk")
    reply = desk.reply()
    feedback = give_feedback(actor=owner.actor, message=reply.message_id, rating="down", comment="Secret")
    end(desk.library)
    found = [one for one in past(make_caller(owner)) if one["type"] in (*ANSWERS, *FEEDBACK)]
    assert types(found) == ["question.asked", "answer.finished", "feedback.created"]
    assert [one["message"] for one in found] == [str(reply.message_id)] * 3
    assert [one["conversation"] for one in found[:2]] == [str(reply.conversation_id)] * 2
    assert found[2]["feedback"] == str(feedback.pk)
    assert not [word for word in ("Secret", "bees") if word in json.dumps(found)]
    others = (
        make_caller(make_member(owner.tenant_id, Role.ADMIN)),
        make_caller(owner, scopes=["knowledge:read"]),
    )
    for caller in others:
        assert {one["type"].partition(".")[0] for one in past(caller)} == {"documents", "document"}


def test_reached_quota_is_an_event(owner: Person, library: Library, caller: Caller) -> None:
    with tenant_scope(owner.tenant_id):
        QuotaLimit.objects.create(kind=QuotaKind.SEARCH, credential="", amount=1)
    answers = [caller.post("search/", {"query": "bees"}).status_code for _ in range(3)]
    assert answers == [200, 429, 429]
    end(library)
    (found,) = past(caller)
    assert (found["type"], found["quota"], found["of"]) == ("quota.reached", "search_units", "organisation")
    assert past(make_caller(owner, bound=("workspace", library.reference.workspace_id))) == []


def test_key_without_any_scope_for_events_is_refused(owner: Person) -> None:
    assert_problem(make_caller(owner, scopes=["audit:read"]).get("events/"), 403, "scope_missing")


def test_stream_ends_with_the_key(owner: Person, caller: Caller) -> None:
    headers = {"Authorization": f"Bearer {caller.key.secret}"}
    with running_server() as address:
        url = f"{address}/api/v1/events/"
        with httpx.stream("GET", url, headers=headers, timeout=30) as stream:
            parts = stream.iter_raw()
            assert next(parts).startswith(b"id: ")
            revoke_api_key(actor=owner.actor, api_key=caller.key.api_key)
            started = time.monotonic()
            assert list(parts) == []
            assert time.monotonic() - started < 2
        assert httpx.get(url, headers=headers).status_code == 401
