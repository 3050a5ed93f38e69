"""Answers and events as JSON values, the same for the API, commands and streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conversations.answering.events import (
    Event,
    Failed,
    Finished,
    FinishedReply,
    Piece,
    Retrieved,
    Routed,
    Started,
    ToolUsed,
)
from conversations.answering.tracing import as_json
from conversations.answering.values import CheckedSentence, Citation, Passage, TableCitation
from conversations.routing.service import DryRun
from core.permissions import Role


def shown_reply(reply: FinishedReply) -> dict[str, Any]:
    usage = reply.usage
    return {
        "answer": reply.answer,
        "citations": [shown_citation(one) for one in reply.citations],
        "tables": [shown_table(one) for one in reply.tables],
        "sentences": [shown_sentence(one) for one in reply.sentences],
        "is_refusal": reply.is_refusal,
        "is_stopped": reply.is_stopped,
        "is_cut_off": reply.is_cut_off,
        "model": reply.model,
        "assistant": reply.assistant,
        "assistant_id": reply.assistant_id,
        "why": reply.why,
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            "is_estimated": usage.is_estimated,
        },
        "price": str(reply.price) if reply.price is not None else None,
        "currency": reply.currency,
        "seconds": reply.seconds,
        "message_id": reply.message_id,
        "conversation_id": reply.conversation_id,
        "trace_id": reply.trace_id,
        "warnings": list(reply.warnings),
    }


def shown_citation(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "document": citation.document_id,
        "chunk": citation.chunk_id,
        "filename": citation.filename,
        "page": citation.page,
        "heading": list(citation.heading),
        "text": citation.text,
        "start": citation.start,
        "end": citation.end,
        "url": citation.url,
    }


def shown_table(table: TableCitation) -> dict[str, Any]:
    return {
        "number": table.number,
        "sql": table.sql,
        "data_sources": [{"id": pk, "name": name} for pk, name in table.data_sources],
        "columns": list(table.columns),
        "rows": [list(row) for row in table.rows],
        "row_count": table.row_count,
        "is_cut": table.is_cut,
    }


def shown_sentence(sentence: CheckedSentence) -> dict[str, Any]:
    return {
        "start": sentence.start,
        "end": sentence.end,
        "cited": list(sentence.cited),
        "support": sentence.support.value,
        "reason": sentence.reason,
    }


def shown_passage(passage: Passage) -> dict[str, Any]:
    chunk = passage.chunk
    return {
        "number": passage.number,
        "document": chunk.document_id,
        "chunk": chunk.chunk_id,
        "filename": chunk.filename,
        "page": chunk.page,
        "heading": list(chunk.heading),
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "relevance": round(chunk.score, 4),
    }


NAMES = {
    Started: "started",
    Routed: "routed",
    Retrieved: "retrieved",
    Piece: "piece",
    ToolUsed: "tool_used",
    Finished: "finished",
    Failed: "failed",
}


def shown_event(event: Event) -> tuple[str, dict[str, Any]]:
    """The event's name and its data."""
    return NAMES[type(event)], _data_of(event)


def _data_of(event: Event) -> dict[str, Any]:
    if isinstance(event, Finished):
        return shown_reply(event.reply)
    if isinstance(event, Retrieved):
        passages = [shown_passage(one) for one in event.passages]
        return {"passages": passages, "warnings": event.warnings}
    data: dict[str, Any] = as_json(event)
    return data


def shown_stages(stages: Sequence[Mapping[str, Any]], role: Role) -> list[dict[str, Any]]:
    """A trace's stages. What an engine has said when it failed may name an address: those who set assistants up read it."""
    hidden = set() if role.rank >= Role.EDITOR.rank else {"reason"}
    return [
        {**stage, "facts": {name: value for name, value in stage["facts"].items() if name not in hidden}}
        for stage in stages
    ]


def shown_dry_run(run: DryRun) -> dict[str, Any]:
    choice = run.choice
    return {
        "assistants": [{"id": pk, "name": run.names[pk]} for pk in choice.assistants],
        "why": choice.reason,
        "answer": choice.answer,
        "scores": [
            {"id": pk, "name": run.names[pk], "score": round(score, 4)}
            for pk, score in sorted(choice.scores.items(), key=lambda one: -one[1])
        ],
        "passed_over": list(choice.passed_over),
    }
