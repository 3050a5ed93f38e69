"""How a document is read is told as it happens."""

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
from tests.api.conftest import Caller
from tests.knowledge.libraries import BEES, make_library


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    monkeypatch.setattr(events, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(events, "SILENT_SECONDS", 0.02)


def follow(caller: Caller, document_id: object, then: Callable[[], object]) -> list[dict[str, Any]]:
    """What is told, until it is over; after the second event, `then` is done."""
    told: list[dict[str, Any]] = []

    async def listen() -> None:
        client, shown = AsyncClient(), {"Authorization": f"Bearer {caller.made.secret}"}
        answer: Any = await client.get(f"/api/v1/documents/{document_id}/events/", headers=shown)
        assert answer["Content-Type"] == "text/event-stream", answer.content
        async for event in answer.streaming_content:
            kind, data = event.decode().removesuffix("\n\n").split("\n")
            assert kind == "event: progress"
            told.append(json.loads(data.removeprefix("data: ")))
            if len(told) == 2:
                await sync_to_async(then)()

    async def listen_and_close() -> None:
        try:
            await listen()
        finally:
            await sync_to_async(connections.close_all)()  # of the thread in which all of that was done

    asyncio.run(listen_and_close())
    return told


def test_a_document_is_followed_until_it_is_done(owner, caller: Caller, tmp_path):
    library = make_library(owner, tmp_path)
    (added,) = library.queue(library.upload("bees.md", BEES))
    first, second, *_, last = follow(caller, added.document_id, library.work)
    assert first == second, "a connection that is quiet for long is closed by proxies"
    assert (first["document"]["processed_status"], first["job"]["state"]) == ("pending", "queued")
    assert (last["document"]["processed_status"], last["job"]["state"]) == ("done", "done")
    for kind in ("document", "job"):
        assert first[kind]["updated_at"] < last[kind]["updated_at"]


def test_a_document_is_followed_until_it_is_deleted(owner, caller: Caller, tmp_path):
    library = make_library(owner, tmp_path)
    (added,) = library.queue(library.upload("bees.md", BEES))
    ids = [added.document_id]
    told = follow(caller, ids[0], lambda: delete_documents(actor=owner.actor, document_ids=ids))
    assert told[-1] == {"deleted": True}
