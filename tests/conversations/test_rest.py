"""Conversations over REST, asked without a model."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conversations.conftest import Desk
from tests.support.api_client import Caller, make_caller

QUESTION = "How do honey bees tell where flowers are?"


@pytest.fixture
def caller(desk: Desk) -> Caller:
    return make_caller(desk.person)


def ask(caller: Caller, desk: Desk, question: str = QUESTION, **fields: Any) -> Any:
    return caller.post(f"assistants/{desk.assistant.pk}/ask/", {"question": question, **fields})


def test_ask_and_read_the_conversation(desk: Desk, caller: Caller):
    response = ask(caller, desk)
    assert response.status_code == 200, response.content
    reply = response.json()
    (citation, *_) = reply["citations"]
    assert "dance" in reply["answer"] and citation["filename"] == "bees.md"
    conversation = caller.get(f"conversations/{reply['conversation_id']}/").json()
    assert conversation["title"] == QUESTION and conversation["assistant"] == str(desk.assistant.pk)
    messages = caller.get(f"messages/?conversation={conversation['id']}&ordering=created_at").json()
    again = ask(caller, desk, "And rivers?", conversation=conversation["id"])
    assert again.status_code == 200
    del messages
    trace = caller.get(f"traces/{reply['trace_id']}/").json()
    assert [stage["name"] for stage in trace["stages"]][:3] == ["routing", "rewriting", "retrieval"]
