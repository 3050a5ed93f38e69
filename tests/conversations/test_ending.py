"""Answers end soon when they are not wanted any more, also while their models are silent; and they do not end because the
database is busy."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError
from django.utils import timezone

from conversations.models import Message, MessageRole
from core import connections
from core.connections import insist
from core.isolation.scope import tenant_scope
from core.request_work import connection_slots
from core.tenant_slots import TooBusyError
from engines.chat import pacing
from tenants import middleware, sender_looks
from tenants.models import ApiKey
from tenants.sender_looks import SenderLooks
from tenants.services.api_keys import revoke_api_key
from tests.conversations.conftest import Desk, with_model
from tests.conversations.requests import QUESTION, Events, path_of, stream
from tests.support.api_client import Caller, make_caller
from tests.support.chat_server import ChatServer, says, stays_silent
from tests.support.server import running_server

# It says a word, and would be silent for longer than a test waits.
SILENT = stays_silent(20.0, ["So ", "they "])


@pytest.fixture
def caller(desk: Desk, server: ChatServer) -> Caller:
    with_model(desk, server)
    return make_caller(desk.person)


def at_first_piece(action: Callable[[Events], object]) -> tuple[Callable[[Events], None], list[float]]:
    """A listener that acts once, and when it has done so."""
    acted: list[float] = []

    def listen(events: Events) -> None:
        if events[-1][0] == "piece" and not acted:
            action(events)
            acted.append(time.monotonic())

    return listen, acted


def answer_of(desk: Desk) -> Message:
    with tenant_scope(desk.person.tenant_id):
        found: Message = Message.objects.get(role=MessageRole.ASSISTANT)
    return found


def assert_model_ends(server: ChatServer, since: float) -> None:
    while server.open:
        assert time.monotonic() - since < 2.5, "the request to the model goes on"
        time.sleep(0.05)


def test_stopped_answer_ends_its_silent_model(desk: Desk, caller: Caller, server: ChatServer):
    server.script.append(SILENT)
    listen, stopped = at_first_piece(
        lambda events: caller.post(f"messages/{events[0][1]['message_id']}/stop/", None)
    )
    events = stream(caller, "post", path_of(desk), {"question": QUESTION}, on=listen)
    assert time.monotonic() - stopped[0] < 2.0
    assert events[-1][0] == "finished" and events[-1][1]["is_stopped"]
    assert answer_of(desk).state == "stopped"
    assert_model_ends(server, stopped[0])


def test_revoked_key_ends_its_silent_model(desk: Desk, caller: Caller, server: ChatServer):
    server.script.append(SILENT)
    listen, revoked = at_first_piece(
        lambda events: revoke_api_key(actor=desk.person.actor, api_key=caller.key.api_key)
    )
    events = stream(caller, "post", path_of(desk), {"question": QUESTION}, on=listen)
    assert events[-1][0] == "piece"
    assert_model_ends(server, revoked[0])
    while (answer := answer_of(desk)).state == "generating":
        assert time.monotonic() - revoked[0] < 5
    assert answer.state == "stopped" and answer.text.startswith("So")


def test_client_that_leaves_a_temporary_conversation_ends_its_silent_model(
    desk: Desk, caller: Caller, server: ChatServer
):
    server.script.append(SILENT)
    body = {"question": QUESTION, "keep": False}
    stream(caller, "post", path_of(desk), body, until=lambda events: events[-1][0] == "piece")
    assert_model_ends(server, time.monotonic())


def test_client_that_waits_for_json_and_leaves_ends_its_silent_model(
    desk: Desk, caller: Caller, server: ChatServer
):
    server.script.append(SILENT)
    body = b'{"question": "%s"}' % QUESTION.encode()
    head = (
        f"POST /api/v1/{path_of(desk)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {caller.key.secret}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with running_server() as address:
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname, parts.port)) as client:
            client.sendall(head.encode() + body)
            until = time.monotonic() + 60
            while not server.open:
                assert time.monotonic() < until, "the model is asked"
                time.sleep(0.05)
        assert_model_ends(server, time.monotonic())


@contextmanager
def busy(desk: Desk) -> Iterator[None]:
    """Requests of the organisation use all connections that they may."""
    slots = connection_slots()
    with ExitStack() as held:
        for _ in range(slots._most):
            held.enter_context(slots.hold(desk.person.tenant_id))
        yield


def test_stream_goes_on_while_its_organisation_is_busy(
    desk: Desk, caller: Caller, server: ChatServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection_slots(), "_wait_seconds", 0.2)
    text = " ".join(f"word{number}" for number in range(30)) + " [1]."
    server.script.append(says(text, pause=0.1))
    free, taken = threading.Event(), threading.Event()

    def occupy() -> None:
        with busy(desk):
            taken.set()
            free.wait(30)

    def make_busy(events: Events) -> None:
        with tenant_scope(desk.person.tenant_id):  # the next request would note that the key is used
            ApiKey.objects.update(last_used_at=timezone.now() - timedelta(hours=1))
        threading.Thread(target=occupy).start()
        assert taken.wait(5)
        threading.Timer(4.0, free.set).start()  # after the last word: the end waits for its turn

    listen, _ = at_first_piece(make_busy)
    events = stream(caller, "post", path_of(desk), {"question": QUESTION}, on=listen)
    assert events[-1][0] == "finished" and events[-1][1]["answer"] == text
    assert (answer_of(desk).state, answer_of(desk).text) == ("done", text)


def test_sender_may_go_on_for_a_while_when_looks_fail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sender_looks, "SECONDS", 0.0)
    monkeypatch.setattr(sender_looks, "UNKNOWN_SECONDS", 0.3)

    def look() -> bool:
        raise OperationalError("the database is away")

    async def follow() -> float:
        begun, is_still_allowed = time.monotonic(), SenderLooks().of("sender", look)
        with pytest.raises(OperationalError):
            while await is_still_allowed():
                await asyncio.sleep(0.02)
        return time.monotonic() - begun

    assert 0.3 <= asyncio.run(follow()) < 2


def test_streams_of_one_sender_share_their_looks(
    desk: Desk, caller: Caller, server: ChatServer, monkeypatch: pytest.MonkeyPatch
):
    looks: list[Any] = []
    look_up = middleware.look_up_actor

    def counted(*given: Any) -> Any:
        looks.append(given)
        return look_up(*given)

    monkeypatch.setattr(middleware, "look_up_actor", counted)
    server.otherwise = says("word " * 25, pause=0.1)
    with ThreadPoolExecutor(8) as threads:
        asked = [
            threads.submit(stream, caller, "post", path_of(desk), {"question": QUESTION}) for _ in range(8)
        ]
        assert all(one.result()[-1][0] == "finished" for one in asked)
    assert 2 <= len(looks) < 12, "each stream alone would look twice"


def test_pieces_come_together_when_many_streams_are_read(
    desk: Desk, caller: Caller, server: ChatServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pacing, "READS_A_SECOND", 2)
    text = "word " * 30 + "[1]."
    server.script.append(says(text, pause=0.05))
    listen, first = at_first_piece(lambda events: None)
    events = stream(caller, "post", path_of(desk), {"question": QUESTION}, on=listen)
    pieces = [data["text"] for name, data in events if name == "piece"]
    assert "".join(pieces) == text and len(pieces) < 16
    assert time.monotonic() - first[0] > 1.0, "the first comes at once"


def test_what_must_not_get_lost_is_tried_again_for_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "PAUSE_SECONDS", 0.01)
    errors: list[Exception] = [TooBusyError(), OperationalError()]

    def work() -> str:
        if errors:
            raise errors.pop()
        return "done"

    assert insist(work) == "done"
    monkeypatch.setattr(connections, "INSIST_SECONDS", 0.0)
    errors += [TooBusyError(), TooBusyError()]
    with pytest.raises(TooBusyError):
        insist(work)
