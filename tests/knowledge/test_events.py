"""Server-sent events about the ingestion of a document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from core.api import events
from knowledge.services.changing import delete_documents
from tests.knowledge.libraries import BEES, make_library
from tests.support.api_client import Caller
from tests.support.streams import parts_of


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch):
    monkeypatch.setattr(events, "POLL_SECONDS", (0.01, 0.01))
    monkeypatch.setattr(events, "SILENT_SECONDS", 0.02)


def is_last(state: dict[str, Any]) -> bool:
    return state.get("deleted", False) or state["document"]["processed_status"] in ("done", "error")


def follow(caller: Caller, document_id: object, action: Callable[[], object]) -> list[dict[str, Any]]:
    """The data of all events until the stream ends; `action` is called after the second event."""
    received: list[dict[str, Any]] = []

    async def listen() -> None:
        client, headers = AsyncClient(), {"Authorization": f"Bearer {caller.key.secret}"}
        response: Any = await client.get(f"/api/v1/documents/{document_id}/events/", headers=headers)
        assert response["Content-Type"] == "text/event-stream", response.content
        async for event in response.streaming_content:
            *_, kind, data = event.decode().removesuffix("\n\n").split("\n")
            assert kind == "event: progress"
            assert event.startswith(b"id: ") == is_last(json.loads(data.removeprefix("data: ")))
            received.append(json.loads(data.removeprefix("data: ")))
            if len(received) == 2:
                await sync_to_async(action)()

    async def listen_and_close() -> None:
        try:
            await listen()
        finally:
            await sync_to_async(connections.close_all)()  # of the thread that runs the view

    asyncio.run(listen_and_close())
    return received


def test_events_end_when_the_document_is_done(owner, caller: Caller, tmp_path):
    library = make_library(owner, tmp_path)
    (added,) = library.queue(library.upload("bees.md", BEES))
    first, second, *_, last = follow(caller, added.document_id, library.work)
    assert first == second, "proxies close connections that are silent"
    assert (first["document"]["processed_status"], first["job"]["state"]) == ("pending", "queued")
    assert (last["document"]["processed_status"], last["job"]["state"]) == ("done", "done")
    for kind in ("document", "job"):
        assert first[kind]["updated_at"] < last[kind]["updated_at"]


def test_events_end_when_the_document_is_deleted(owner, caller: Caller, tmp_path):
    library = make_library(owner, tmp_path)
    (added,) = library.queue(library.upload("bees.md", BEES))
    ids = [added.document_id]
    received = follow(caller, ids[0], lambda: delete_documents(actor=owner.actor, document_ids=ids))
    assert received[-1] == {"deleted": True}


def test_browser_that_has_seen_the_end_is_not_sent_it_again(owner, caller: Caller, tmp_path):
    """An EventSource connects again whenever a stream ends, until it gets a 204."""
    library = make_library(owner, tmp_path)
    document = library.add("bees.md", BEES)
    path = f"documents/{document.pk}/events/"
    (event,) = parts_of(caller.get(path))
    seen = {"Last-Event-ID": event.partition(b"\n")[0].removeprefix(b"id: ").decode()}
    assert (caller.get(path, **seen).status_code, caller.get(path, **seen).content) == (204, b"")
    library.add("bees.md", "Something else.")
    assert len(parts_of(caller.get(path, **seen))) == 1, "it has changed since"
