"""The objects and events of `/v1/responses`, by OpenAI's names."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from conversations.answering.events import Event, Failed, Finished, FinishedReply, Piece, Retrieved, Started
from conversations.answering.values import Passage
from conversations.openai.citations import file_citations
from core.api.openai.ids import as_id
from knowledge.openai.ids import FILE

RESPONSE, MESSAGE, SEARCH = "resp_", "msg_", "fs_"
# The outputs, by their index.
SEARCHING, ANSWERING = 0, 1
INCOMPLETE = "incomplete"


@dataclass(slots=True, kw_only=True)
class ResponseWriter:
    """Makes the events of one response, and at last the whole of it. `includes_results` shows the passages, `facts` are the
    request's own values, which the response repeats."""

    model: str
    question: str
    includes_results: bool
    facts: dict[str, Any]
    pk: UUID = field(default_factory=uuid4)
    created_at: float = field(default_factory=time.time)
    _passages: tuple[Passage, ...] = ()
    _has_searched: bool = False
    _numbers: Iterator[int] = field(default_factory=count)

    def events(self, event: Event) -> Iterator[dict[str, Any]]:
        match event:
            case Started(message_id=message_id):
                self.pk = message_id or self.pk
                yield from self._begun()
            case Retrieved():
                is_first = not self._has_searched
                self.note(event)
                yield from self._searched() if is_first else ()
            case Piece(text=text):
                yield self._event("response.output_text.delta", **self._place(), delta=text, logprobs=[])
            case Finished(reply=reply):
                yield from self._finished(reply)
            case Failed(code=code, detail=detail):
                error = {"code": "server_error", "message": f"{detail} ({code})"}
                yield self._event("response.failed", response=self._response("failed", [], error=error))

    def note(self, event: Event) -> None:
        """A search by the model adds passages."""
        if isinstance(event, Retrieved):
            self._passages += event.passages
            self._has_searched = True

    def whole(self, reply: FinishedReply) -> dict[str, Any]:
        self.pk = reply.message_id or self.pk
        output = [self._search("completed"), self._message(reply)]
        return self._response(_status(reply), output, usage=_usage(reply))

    def _begun(self) -> Iterator[dict[str, Any]]:
        for name in ("created", "in_progress"):
            yield self._event(f"response.{name}", response=self._response("in_progress", []))
        yield self._item("added", SEARCHING, self._search("in_progress"))
        for name in ("in_progress", "searching"):
            yield self._event(f"response.file_search_call.{name}", **self._search_place())

    def _searched(self) -> Iterator[dict[str, Any]]:
        yield self._event("response.file_search_call.completed", **self._search_place())
        yield self._item("done", SEARCHING, self._search("completed"))
        message = {**self._message_head("in_progress"), "content": []}
        yield self._item("added", ANSWERING, message)
        yield self._event("response.content_part.added", **self._place(), part=_text_part("", []))

    def _finished(self, reply: FinishedReply) -> Iterator[dict[str, Any]]:
        annotations = file_citations(reply.answer, reply.citations)
        for index, annotation in enumerate(annotations):
            yield self._event(
                "response.output_text.annotation.added",
                **self._place(),
                annotation_index=index,
                annotation=annotation,
            )
        yield self._event("response.output_text.done", **self._place(), text=reply.answer, logprobs=[])
        part = _text_part(reply.answer, annotations)
        yield self._event("response.content_part.done", **self._place(), part=part)
        yield self._item("done", ANSWERING, self._message(reply))
        yield self._event(f"response.{_status(reply)}", response=self.whole(reply))

    def _response(
        self, status: str, output: Sequence[Any], *, usage: Any = None, error: Any = None
    ) -> dict[str, Any]:
        return {
            "id": as_id(RESPONSE, self.pk),
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "model": self.model,
            "output": output,
            "error": error,
            "incomplete_details": {"reason": "max_output_tokens"} if status == INCOMPLETE else None,
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage,
            **self.facts,
        }

    def _search(self, status: str) -> dict[str, Any]:
        results = [_result(one) for one in self._passages] if self.includes_results else None
        return {
            "id": as_id(SEARCH, self.pk),
            "type": "file_search_call",
            "status": status,
            "queries": [self.question],
            "results": results if status == "completed" else None,
        }

    def _message(self, reply: FinishedReply) -> dict[str, Any]:
        content = _text_part(reply.answer, file_citations(reply.answer, reply.citations))
        return {**self._message_head(_status(reply)), "content": [content]}

    def _message_head(self, status: str) -> dict[str, Any]:
        return {"id": as_id(MESSAGE, self.pk), "type": "message", "role": "assistant", "status": status}

    def _place(self) -> dict[str, Any]:
        return {"item_id": as_id(MESSAGE, self.pk), "output_index": ANSWERING, "content_index": 0}

    def _search_place(self) -> dict[str, Any]:
        return {"item_id": as_id(SEARCH, self.pk), "output_index": SEARCHING}

    def _item(self, name: str, index: int, item: dict[str, Any]) -> dict[str, Any]:
        return self._event(f"response.output_item.{name}", output_index=index, item=item)

    def _event(self, kind: str, **values: Any) -> dict[str, Any]:
        return {"type": kind, "sequence_number": next(self._numbers), **values}


def _status(reply: FinishedReply) -> str:
    return INCOMPLETE if reply.is_cut_off else "completed"


def _text_part(text: str, annotations: Sequence[Any]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _result(passage: Passage) -> dict[str, Any]:
    chunk = passage.chunk
    return {
        "file_id": as_id(FILE, chunk.document_id),
        "filename": chunk.filename,
        "score": chunk.score,
        "text": chunk.text,
        "attributes": {},
    }


def _usage(reply: FinishedReply) -> dict[str, Any]:
    prompt, completion = reply.usage.prompt_tokens, reply.usage.completion_tokens
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }
