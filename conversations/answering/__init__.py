"""How an answer is made: `answer` has the order of the stages.

Each stage has a file of its own, takes and returns frozen values, and leaves them in the trace. No stage writes to the
database, and no scope is open while a model, the reranker or a search runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from conversations.answering.checking import check
from conversations.answering.events import Piece, Retrieved, Summarised, ToolUsed
from conversations.answering.generation import Generated, generate
from conversations.answering.prompt import build_prompt
from conversations.answering.quoting import quote
from conversations.answering.request import AnswerRequest
from conversations.answering.retrieval import retrieve
from conversations.answering.rewriting import rewrite
from conversations.answering.selection import select
from conversations.answering.summarising import remember
from conversations.answering.tracing import TraceRecorder, passage_facts, retrieval_facts
from conversations.answering.values import Answer

Part = Retrieved | Summarised | Piece | ToolUsed | Answer


def answer(request: AnswerRequest, trace: TraceRecorder) -> Iterator[Part]:
    """Yield what happens, and at last the answer. Raises OylError and EngineError."""
    question = rewrite(request)
    trace.record("rewriting", asked=request.question, question=question, turns=len(request.history))
    retrieval = retrieve(request, question)
    trace.record("retrieval", **retrieval_facts(retrieval))
    settings = request.profile.settings
    passages = select(retrieval.candidates, passages=settings.passages, per_document=settings.per_document)
    trace.record("selection", passages=[passage_facts(one) for one in passages])
    yield Retrieved(passages=passages, warnings=retrieval.warnings)
    if request.model is None:
        yield from quote(request, question, passages, trace)
        return
    memory = yield from remember(request, request.model, passages, trace)
    prompt = build_prompt(request, request.model, passages, memory)
    for part in generate(request, request.model, prompt, trace):
        yield check(request, part, trace) if isinstance(part, Generated) else part
