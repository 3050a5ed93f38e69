"""What people see, and what is kept, when a model fails: through each door."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import AsyncClient

from conversations.limits import ANSWER_LENGTH
from conversations.models import Conversation, Message, MessageRole, Trace
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tests.conftest import make_member
from tests.conversations.conftest import Desk, with_model
from tests.conversations.requests import QUESTION, ask, path_of, stream
from tests.support.admin_pages import url
from tests.support.api_client import Caller, make_caller
from tests.support.chat_server import (
    Behaviour,
    ChatServer,
    breaks_in_character,
    fails,
    never_ends,
    says,
    stays_silent,
    streams,
)

Told = tuple[str, str]
GREETING = b'data: {"choices": [{"index": 0, "delta": {"content": "So "}, "finish_reason": null}]}\n\n'


@dataclass(frozen=True)
class Failure:
    """What the model does at each attempt, the code that it leads to, and the text that is kept."""

    behaviour: Behaviour
    code: str
    kept: str = ""


FAILURES = {
    "slow": Failure(stays_silent(5.0), "chat_no_first_piece"),
    "429": Failure(fails(429, "Slow down.", Retry_After="0"), "chat_rate_limited"),
    "500": Failure(fails(500, "Oops."), "chat_unavailable"),
    "529": Failure(fails(529, "Overloaded."), "chat_unavailable"),
    "broken character": Failure(breaks_in_character(), "chat_interrupted", "So "),
    "stalled": Failure(stays_silent(5.0, ["So "]), "chat_stalled", "So "),
    "malformed at first": Failure(streams(b'data: {"choices": 7}\n\n'), "chat_malformed"),
    "malformed later": Failure(streams(GREETING, b"data: {]\n\n"), "chat_malformed", "So "),
    "empty": Failure(says(""), "chat_empty"),
    "filtered": Failure(says("", finish="content_filter"), "chat_filtered"),
    "half a word": Failure(
        streams(GREETING, GREETING.replace(b"So ", b"half"), cut=True), "chat_interrupted", "So half"
    ),
}


@pytest.fixture
def caller(desk: Desk) -> Caller:
    return make_caller(desk.person)


def messages_of(desk: Desk) -> list[Message]:
    with tenant_scope(desk.person.tenant_id):
        return list(Message.objects.order_by("created_at"))


def by_rest(desk: Desk, caller: Caller) -> Told:
    response = ask(caller, desk)
    assert response.status_code == 502
    return response.json()["code"], response.json()["detail"]


def by_events(desk: Desk, caller: Caller) -> Told:
    events = stream(caller, "post", path_of(desk), {"question": QUESTION})
    assert events[-1][0] == "failed"
    return events[-1][1]["code"], events[-1][1]["detail"]


def by_chat_completions(desk: Desk, caller: Caller) -> Told:
    *_, last, done, _ = asyncio.run(completion(desk, caller)).split("\n\n")
    error = json.loads(last.removeprefix("data: "))["error"]
    assert done == "data: [DONE]"
    return error["code"], error["message"]


async def completion(desk: Desk, caller: Caller) -> str:
    """The whole text of a stream whose answer is kept."""
    messages = [{"role": "user", "content": QUESTION}]
    response: Any = await AsyncClient().post(
        "/v1/chat/completions",
        {"model": str(desk.assistant.pk), "messages": messages, "store": True, "stream": True},
        content_type="application/json",
        headers={"Authorization": f"Bearer {caller.key.secret}"},
    )
    try:
        return "".join([part.decode() async for part in response.streaming_content])
    finally:
        await sync_to_async(connections.close_all)()


def by_command(desk: Desk, caller: Caller) -> Told:
    with pytest.raises(CommandError) as error:
        call_command("ask", desk.assistant.name, QUESTION, tenant=str(desk.person.tenant_id))
    return messages_of(desk)[-1].error_code, str(error.value)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_each_door_says_what_failed_and_nothing_is_lost(
    desk: Desk, caller: Caller, server: ChatServer, failure: Failure
):
    server.otherwise = failure.behaviour
    for number, door in enumerate((by_rest, by_events, by_chat_completions, by_command)):
        # Another endpoint for each, so that none is paused for the failures of the others.
        limits = {"first_seconds": 2, "between_seconds": 1, "total_seconds": 20 + number}
        with_model(desk, server, endpoint=limits)
        code, detail = door(desk, caller)
        assert code == failure.code, (door, detail)
        assert "127.0.0.1" not in detail and detail.endswith(".")
        question, answer = messages_of(desk)[-2:]
        assert (question.role, question.text) == (MessageRole.USER, QUESTION)
        assert (answer.state, answer.error_code, answer.text) == ("error", code, failure.kept), door
        assert answer.error_detail == detail
    assert len(messages_of(desk)) == 8


def test_only_who_sets_assistants_up_reads_what_the_engine_has_said(
    desk: Desk, caller: Caller, server: ChatServer
):
    """It names the address; the conversation is shared with a viewer."""
    server.otherwise = fails(400, "Not at 127.0.0.1.")
    ask(caller, with_model(desk, server))
    with tenant_scope(desk.person.tenant_id):
        Conversation.objects.all().update(is_shared=True)
        (trace,) = Trace.objects.all()
    viewer, page = make_member(desk.person.tenant_id, Role.VIEWER), url(Trace, "change", trace.pk)
    for person, may_read in ((desk.person, True), (viewer, False)):
        *_, last = person.client.get(f"/api/v1/traces/{trace.pk}/").json()["stages"]
        assert (last["name"], last["facts"]["code"]) == ("failed", "chat_refused")
        assert ("127.0.0.1" in str(last)) == may_read
        assert ("127.0.0.1" in person.client.get(page).content.decode()) == may_read


def test_answer_that_never_ends_is_cut_off(desk: Desk, caller: Caller, server: ChatServer):
    server.otherwise = never_ends("again " * 500, pause=0.0)
    with_model(desk, server)
    reply = ask(caller, desk).json()
    assert len(reply["answer"]) <= ANSWER_LENGTH and reply["usage"]["is_estimated"]
    assert messages_of(desk)[1].state == "done"


@pytest.mark.parametrize("claimed", [-5, 10**9, "many", None])
def test_usage_that_cannot_be_is_estimated(desk: Desk, caller: Caller, server: ChatServer, claimed: Any):
    server.otherwise = says("They dance [1].", usage={"prompt_tokens": claimed, "completion_tokens": claimed})
    with_model(desk, server)
    usage = ask(caller, desk).json()["usage"]
    assert (
        usage["is_estimated"] and 10 < usage["prompt_tokens"] < 2000 and 0 < usage["completion_tokens"] < 50
    )


def test_first_attempts_may_fail(desk: Desk, caller: Caller, server: ChatServer):
    server.script.extend([fails(529, "Overloaded."), fails(429, "Slow down.", Retry_After="0")])
    server.otherwise = says("They dance [1].")
    with_model(desk, server)
    assert ask(caller, desk).json()["answer"] == "They dance [1]."
    assert len(messages_of(desk)) == 2, "an attempt is no answer of its own"
