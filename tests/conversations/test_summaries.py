"""Conversations that a prompt has no room for: their oldest turns are summarised, each of them once."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Message, Trace
from conversations.services.asking import edit
from core.isolation.scope import tenant_scope
from core.quota_kinds import QuotaKind
from core.quotas import standings
from tests.conversations.conftest import Desk, with_model
from tests.support.chat_server import ChatServer, fails, says

LONG = "They dance [1]. " + "The dance has a direction and a length. " * 20
SUMMARY = "The person asked about bees; they dance."


@pytest.fixture
def narrow(desk: Desk, server: ChatServer) -> Desk:
    """Its prompt has room for little more than the passages."""
    return with_model(desk, server, model={"prompt_tokens": 1000}, retrieval={"passages": 1})


def says_by_task(body: dict[str, Any]) -> str:
    task = body["messages"][0]["content"]
    if task.startswith("Summarise"):
        return SUMMARY
    return body["messages"][-1]["content"] if task.startswith("Rewrite") else LONG


def talk(desk: Desk, server: ChatServer, turns: int) -> Any:
    server.otherwise = says(says_by_task)
    reply = desk.reply()
    for number in range(1, turns):
        reply = desk.reply(f"How do honey bees dance, number {number}?", conversation=reply.conversation_id)
    return reply


def summarised(server: ChatServer) -> list[str]:
    """What the model was given to summarise."""
    tasks = [body["messages"] for body in server.requests]
    return [task[1]["content"] for task in tasks if task[0]["content"].startswith("Summarise")]


def stages(desk: Desk, reply: Any) -> dict[str, Any]:
    with tenant_scope(desk.person.tenant_id):
        trace = Trace.objects.get(pk=reply.trace_id)
    return {stage["name"]: stage["facts"] for stage in trace.stages_json}


def test_each_turn_is_summarised_once_and_the_prompt_has_the_summary(narrow: Desk, server: ChatServer):
    reply = talk(narrow, server, 8)
    given = summarised(server)
    times = [
        sum(f"user: How do honey bees dance, number {n}?" in text for text in given) for n in range(1, 8)
    ]
    covered = times.count(1)
    assert len(given) >= 2 and covered >= 3 and times == [1] * covered + [0] * (7 - covered)
    assert all(SUMMARY in text for text in given[1:]), "the summary before is continued"
    prompt = server.requests[-1]["messages"]
    assert f"<summary>\n{SUMMARY}\n</summary>" in prompt[1]["content"] and prompt[1]["role"] == "user"
    assert "number 1?" not in str(prompt)
    facts = stages(narrow, reply)
    assert facts["prompt"]["summary"] == SUMMARY and facts["prompt"]["dropped_turns"] == 0
    with tenant_scope(narrow.person.tenant_id):
        assert Message.objects.exclude(summary="").count() == len(given)
        (used,) = [one.used for one in standings() if one.kind == QuotaKind.ANSWER_TOKENS]
        counted = Message.objects.values_list("prompt_tokens", "completion_tokens")
        assert used == sum(map(sum, counted)), "what summaries use is counted"


def test_branch_that_begins_before_the_summary_does_not_have_it(narrow: Desk, server: ChatServer):
    talk(narrow, server, 4)
    with tenant_scope(narrow.person.tenant_id):
        first = Message.objects.filter(parent=None).get()
    server.requests.clear()
    list(edit(actor=narrow.person.actor, message=first.pk, question="Do honey bees dance?"))
    assert SUMMARY not in str(server.requests)


@pytest.mark.parametrize("failure", [fails(400, "No."), says("")], ids=["error", "nothing"])
def test_failing_model_leaves_the_questions_as_an_extract(narrow: Desk, server: ChatServer, failure: Any):
    def behave(handler: Any) -> None:
        is_summary = handler.body["messages"][0]["content"].startswith("Summarise")
        (failure if is_summary else says(says_by_task))(handler)

    conversation = talk(narrow, server, 3).conversation_id
    server.otherwise = behave
    reply = narrow.reply("How do honey bees dance now?", conversation=conversation)
    facts = stages(narrow, reply)
    assert (facts["summary"]["by"], bool(facts["summary"]["reason"])) == ("extract", True)
    assert "- How do honey bees tell where flowers are?" in server.requests[-1]["messages"][1]["content"]
    with tenant_scope(narrow.person.tenant_id):
        assert not Message.objects.exclude(summary="").exists(), "the next question tries again"
