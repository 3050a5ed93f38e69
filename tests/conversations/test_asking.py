"""Asking without a model: events, rows, and what ends an answer."""

from __future__ import annotations

from typing import Any

from conversations.answering.events import Finished, Piece, Retrieved, Routed, Started
from conversations.models import Message, MessageRole, MessageState, Trace
from core.isolation.scope import tenant_scope
from tests.conversations.conftest import Desk


def rows(desk: Desk, model: Any) -> list[Any]:
    with tenant_scope(desk.person.tenant_id):
        return list(model.objects.order_by("created_at"))


def test_answer_is_quoted_from_the_documents_with_its_source(desk: Desk):
    started, routed, retrieved, *pieces, finished = desk.ask()
    assert isinstance(started, Started) and isinstance(routed, Routed) and isinstance(retrieved, Retrieved)
    assert routed.name == "Guide" and retrieved.passages[0].chunk.filename == "bees.md"
    assert isinstance(finished, Finished) and all(isinstance(piece, Piece) for piece in pieces)
    reply = finished.reply
    assert "dance" in reply.answer and "[1]" in reply.answer
    assert [(one.number, one.filename) for one in reply.citations] == [(1, "bees.md")]
    question, answer = rows(desk, Message)
    assert (question.role, question.text) == (MessageRole.USER, "How do honey bees tell where flowers are?")
    assert (answer.parent_id, answer.state, answer.text) == (question.pk, MessageState.DONE, reply.answer)
    assert answer.citations_json[0]["filename"] == "bees.md"
    (trace,) = rows(desk, Trace)
    assert trace.message_id == answer.pk and trace.pk == started.trace_id
    assert [stage["name"] for stage in trace.stages_json] == [
        "routing",
        "rewriting",
        "retrieval",
        "selection",
        "quoting",
    ]


def test_what_the_documents_do_not_have_is_refused(desk: Desk):
    reply = desk.reply("Qual è la capitale della Mongolia?")
    assert reply.is_refusal and reply.citations == ()
    assert reply.answer == "I documenti non contengono una risposta a questa domanda."
