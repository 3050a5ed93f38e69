"""The trace of an answer: what each stage returned, recorded by the run itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import Any

from conversations.answering.retrieval import Retrieval
from conversations.answering.values import Passage
from core.json_values import storable_text, why_not_storable
from knowledge.search.found_chunks import FoundChunk


class TraceRecorder:
    """`stages` is JSON: a list of stages with `name`, `began` and `seconds`, and `facts`. `began` is in seconds since the
    answer was begun."""

    def __init__(self, began: float | None = None) -> None:
        self.stages: list[dict[str, Any]] = []
        self._last = time.monotonic()
        self._began = began or self._last

    def record(self, stage: str, **facts: Any) -> None:
        """A stage that has ended; it began when the one before ended."""
        now = time.monotonic()
        began, seconds = round(self._last - self._began, 4), round(now - self._last, 4)
        self.stages.append({"name": stage, "began": began, "seconds": seconds, "facts": as_json(facts)})
        self._last = now

    def branch(self) -> TraceRecorder:
        """For stages that run beside others."""
        return TraceRecorder(self._began)

    def join(self, branches: Iterable[TraceRecorder]) -> None:
        """Take over the stages of branches that have ended."""
        self.stages += [stage for branch in branches for stage in branch.stages]
        self._last = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the answer was begun."""
        return round(time.monotonic() - self._began, 4)


def candidate_facts(chunk: FoundChunk) -> dict[str, Any]:
    """A candidate without its text, which the document has."""
    return {
        "chunk": chunk.chunk_id,
        "document": chunk.document_id,
        "filename": chunk.filename,
        "page": chunk.page,
        "heading": chunk.heading,
        "relevance": round(chunk.score, 4),
        "scores": {name: round(score, 4) for name, score in chunk.scores.items()},
    }


def retrieval_facts(retrieval: Retrieval) -> dict[str, Any]:
    """Without the filters that were not set."""
    filters = {
        name: value for name, value in asdict(retrieval.filters).items() if value not in (None, (), {})
    }
    candidates = [candidate_facts(chunk) for chunk in retrieval.candidates]
    return {"filters": filters, "candidates": candidates, "warnings": retrieval.warnings}


def passage_facts(passage: Passage) -> dict[str, Any]:
    """A passage with its text as the model was given it, and who or what set its tags."""
    chunk = passage.chunk
    return {
        "number": passage.number,
        **candidate_facts(chunk),
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "joined": passage.joined,
        "tags": chunk.tags,
        "similar": chunk.similar,
    }


def as_json(value: Any) -> Any:
    """Values of stages as JSON that can be stored; of ids, enums and what JSON does not have, their texts."""
    if is_dataclass(value) and not isinstance(value, type):
        return as_json(asdict(value))
    if isinstance(value, Mapping):
        return {storable_text(str(key)): as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    is_json = value is None or (isinstance(value, int | float) and not why_not_storable(value))
    return value if is_json else storable_text(str(value))
