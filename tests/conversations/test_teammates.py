"""Asking teammates: who answers, and what comes of several answers."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from assistants.models import Assistant, AssistantFailures, Teammate
from conversations.answering.events import Failed, Routed
from conversations.errors import AssistantSuspendedError
from conversations.models import Message, MessageRole, Trace
from conversations.services.asking import ask
from core.isolation.scope import tenant_scope
from core.models import QuotaLimit
from core.quota_kinds import QuotaKind
from knowledge.services.references import create_knowledge_base, get_or_create_reference, set_references
from tests.conversations.conftest import Desk, with_model
from tests.knowledge.libraries import Library
from tests.support.chat_server import ChatServer, fails, says

QUESTION = "How do honey bees tell where flowers are?"


def make_teammate(desk: Desk, *assistants: Assistant, **config: Any) -> Teammate:
    with tenant_scope(desk.person.tenant_id):
        teammate: Teammate = Teammate.objects.create(
            workspace_id=desk.assistant.workspace_id,
            name="Team",
            orchestration_config={"assistants": [str(one.pk) for one in assistants], **config},
        )
        Assistant.objects.filter(pk__in=[one.pk for one in assistants]).update(teammate=teammate)
    return teammate


def second_assistant(desk: Desk) -> Assistant:
    """One that knows of wasps alone."""
    reference = get_or_create_reference(actor=desk.person.actor, workspace="Main", reference="Wasps")
    wasps = "# Wasps\n\nWasps tell their sisters where flowers are by leaving a scent.\n"
    Library(desk.person, reference, desk.library.folder).add("wasps.md", wasps)
    with tenant_scope(desk.person.tenant_id):
        assistant: Assistant = Assistant.objects.create(
            workspace_id=desk.assistant.workspace_id, name="Second"
        )
    base = create_knowledge_base(actor=desk.person.actor, assistant_id=assistant.pk, name="Knowledge")
    set_references(actor=desk.person.actor, knowledge_base=base, reference_ids=[reference.pk])
    return assistant


def asked(desk: Desk, teammate: Teammate, question: str = QUESTION, **options: Any) -> list[Any]:
    return list(ask(actor=desk.person.actor, teammate=teammate.pk, question=question, **options))


def test_round_robin_asks_one_after_another_and_says_why(desk: Desk):
    teammate = make_teammate(desk, desk.assistant, second_assistant(desk), strategy="round_robin")
    turns = [asked(desk, teammate) for _ in range(4)]
    names = [next(one.name for one in events if isinstance(one, Routed)) for events in turns]
    assert sorted(names[:2]) == ["Guide", "Second"] and names[:2] == names[2:]
    reply = turns[0][-1].reply
    assert reply.assistant == names[0] and reply.why
    with tenant_scope(desk.person.tenant_id):
        answers = Message.objects.filter(role=MessageRole.ASSISTANT)
        assert {one.assistant_id for one in answers if one.why} == set(
            Assistant.objects.values_list("pk", flat=True)
        )


def test_merged_answer_has_the_citations_of_all(desk: Desk):
    teammate = make_teammate(
        desk, desk.assistant, second_assistant(desk), strategy="broadcast", broadcast={"answer": "merged"}
    )
    *_, retrieved, _, finished = asked(desk, teammate, "How do they tell their sisters where flowers are?")
    reply = finished.reply
    assert "**Guide**" in reply.answer and "**Second**" in reply.answer
    assert {"bees.md", "wasps.md"} <= {one.filename for one in reply.citations}
    numbers = {one.number: one.filename for one in reply.citations}
    for number, filename in numbers.items():
        assert f"[{number}]" in reply.answer
        assert [one.chunk.filename for one in retrieved.passages if one.number == number] == [filename]
    for sentence in reply.sentences:
        assert set(sentence.cited) <= numbers.keys()
        assert all(f"[{number}]" in reply.answer[sentence.start : sentence.end] for number in sentence.cited)


def test_best_answer_is_chosen_and_one_failing_assistant_left_out(desk: Desk, server: ChatServer):
    second = second_assistant(desk)
    with_model(desk, server)
    teammate = make_teammate(desk, desk.assistant, second, strategy="broadcast")
    server.script.append(says("They dance [1]."))
    first = asked(desk, teammate)[-1].reply
    assert first.assistant in ("Guide", "Second") and first.citations
    server.otherwise = fails(400, "No.")
    assert asked(desk, teammate)[-1].reply.assistant == "Second"


def test_broadcast_asks_its_assistants_at_the_same_time(desk: Desk, server: ChatServer):
    second = second_assistant(desk)
    for assistant in (desk.assistant, second):
        with_model(replace(desk, assistant=assistant), server)
    teammate = make_teammate(desk, desk.assistant, second, strategy="broadcast")
    together = Barrier(2)

    def text(_: Any) -> str:
        together.wait(20)  # fails if the other one is not asked meanwhile
        return "They leave a scent [1]."

    server.otherwise = says(text)
    reply = asked(desk, teammate)[-1].reply
    assert reply.citations and [len(server.requests), server.open] == [2, 0]
    with tenant_scope(desk.person.tenant_id):
        stages = Trace.objects.get().stages_json
    voices = [stage["facts"]["assistant"] for stage in stages if stage["name"] == "assistant"]
    assert voices == ["Guide", "Second"] and [stage["name"] for stage in stages].count("generation") == 2
    assert stages[-1]["name"] == "choice" and all(0 <= stage["began"] <= reply.seconds for stage in stages)


def test_failures_are_counted_for_the_cooldown(desk: Desk, server: ChatServer):
    with_model(desk, server)
    teammate = make_teammate(desk, desk.assistant, strategy="priority")
    server.otherwise = fails(400, "No.")
    assert isinstance(asked(desk, teammate)[-1], Failed)
    with tenant_scope(desk.person.tenant_id):
        assert AssistantFailures.objects.get().failures == 1


def test_suspended_assistant_answers_nobody(desk: Desk):
    with tenant_scope(desk.person.tenant_id):
        Assistant.objects.filter(pk=desk.assistant.pk).update(is_suspended=True)
    with pytest.raises(AssistantSuspendedError):
        desk.ask(QUESTION)


def test_quota_that_is_nearly_used_up_is_warned_of(desk: Desk):
    with tenant_scope(desk.person.tenant_id):
        QuotaLimit.objects.create(kind=QuotaKind.ANSWERS, amount=5)
    warnings = [desk.reply(QUESTION).warnings for _ in range(5)]
    assert warnings[2] == () and "4 of 5" in warnings[3][0]
