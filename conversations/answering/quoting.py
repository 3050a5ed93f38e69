"""The answer without a model: of the tables, if they are asked and the question is understood, or sentences of the passages,
quoted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from conversations.answering.asked_tables.answering import answer_from_tables
from conversations.answering.events import Piece
from conversations.answering.extractive import extract
from conversations.answering.request import AnswerRequest
from conversations.answering.tracing import TraceRecorder
from conversations.answering.values import Answer, Passage


def quote(
    request: AnswerRequest, question: str, passages: Sequence[Passage], trace: TraceRecorder
) -> Iterator[Piece | Answer]:
    if answered := answer_from_tables(request, len(passages) + 1, trace):
        yield Piece(text=answered.text)
        yield answered
        return
    answer = extract(question, passages, request.embedder, request.tenant_id)
    if answer.is_refusal:
        answer = replace(answer, text=request.refusal)
    trace.record("quoting", sentences=len(answer.sentences), is_refusal=answer.is_refusal)
    yield Piece(text=answer.text)
    yield answer
