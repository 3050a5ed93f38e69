"""Answers, true and false, whose sources are checked: what `benchmarks.answers` and the tests count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from conversations.answering.grounding import check_grounding
from conversations.answering.values import Passage, Support
from engines.embedding import Embedder
from knowledge.search.found_chunks import FoundChunk

NO_ID = UUID(int=0)


class Case(NamedTuple):
    """A true sentence and what became of it by one change. `group` is the number of its passage."""

    group: int
    passage: str
    true: str
    changed: str
    kind: str


class Counts(NamedTuple):
    """How many true and how many changed sentences there are, and which of them are marked as weak."""

    true: int
    changed: int
    false_alarms: list[Case]
    found: list[Case]


def cases() -> list[Case]:
    text = Path(__file__).with_name("grounding_cases.txt").read_text(encoding="utf-8")
    found = list[Case]()
    for group, block in enumerate(text.split("\nP ")[1:]):
        lines = block.splitlines()
        first = next(place for place, line in enumerate(lines) if line.startswith(("C ", "R ")))
        found += _of_passage(group, "\n".join(lines[:first]), lines[first:])
    return found


def _of_passage(group: int, passage: str, lines: Sequence[str]) -> Iterator[Case]:
    for line in lines:
        true, change, kind = line[2:].rsplit(" | ", 2)
        old, new = change.split(" => ")
        yield Case(group, passage, true, true.replace(old, new, 1), kind)


def count(chosen: Sequence[Case], embedder: Embedder) -> Counts:
    false_alarms = [one for one in chosen if _is_weak(one.true, one.passage, embedder)]
    found = [one for one in chosen if _is_weak(one.changed, one.passage, embedder)]
    return Counts(len(chosen), len(chosen), false_alarms, found)


def passage_of(text: str, number: int = 1, **values: object) -> Passage:
    """A passage that is a document of its own."""
    known = {
        "chunk_id": NO_ID,
        "document_id": NO_ID,
        "reference_id": NO_ID,
        "filename": "document.md",
        "title": "",
        "page": None,
        "last_page": None,
        "page_kind": "page",
        "heading": (),
        "start": 0,
        "end": len(text),
        "text": text,
        "score": 0.8,
        "scores": {},
        "tags": (),
    }
    return Passage(number=number, chunk=FoundChunk(**{**known, **values}))  # type: ignore[arg-type]


def _is_weak(sentence: str, passage: str, embedder: Embedder) -> bool:
    checked = check_grounding(f"{sentence} [1]", [passage_of(passage)], embedder, NO_ID)
    return any(one.support is Support.WEAK for one in checked)
