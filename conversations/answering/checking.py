"""Checking what a model has written: that its citations name passages which it was given, and that these support it."""

from __future__ import annotations

from conversations.answering.citations import check_citations, cited_tables
from conversations.answering.generation import Generated, asked_texts
from conversations.answering.grounding import check_grounding
from conversations.answering.links import with_known_links
from conversations.answering.request import AnswerRequest
from conversations.answering.tracing import TraceRecorder
from conversations.answering.values import Answer, Support


def check(request: AnswerRequest, generated: Generated, trace: TraceRecorder) -> Answer:
    tables = generated.tables
    text, citations, removed = check_citations(generated.text, generated.passages, tables)
    cited = {one.number for one in citations}
    texts = [one.chunk.text for one in generated.passages if one.number in cited]
    text = with_known_links(text, (*asked_texts(request), *texts))
    trace.record("citations", cited=[one.number for one in citations], removed=removed)
    sentences = check_grounding(text, generated.passages, request.embedder, request.tenant_id, tables)
    weak = [one for one in sentences if one.support is Support.WEAK]
    trace.record("grounding", sentences=len(sentences), weak=weak)
    is_refusal = request.refusal in text
    return Answer(
        text=text,
        citations=citations,
        tables=() if is_refusal else cited_tables(text, tables),
        sentences=sentences,
        is_refusal=is_refusal,
        is_cut_off=generated.is_cut_off,
        removed_marks=removed,
        model=generated.model,
    )
