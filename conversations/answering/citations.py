"""Checking the marks of an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conversations.answering.values import Citation, Passage

_MARK = re.compile(r"\[(\d+)\]")


def citation_of(passage: Passage) -> Citation:
    chunk = passage.chunk
    return Citation(
        number=passage.number,
        chunk_id=chunk.chunk_id,
        document_id=chunk.document_id,
        filename=chunk.filename,
        page=chunk.page,
        heading=chunk.heading,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
    )


def check_citations(
    text: str, passages: Sequence[Passage]
) -> tuple[str, tuple[Citation, ...], tuple[str, ...]]:
    known = {passage.number: passage for passage in passages}
    removed = tuple(found[0] for found in _MARK.finditer(text) if int(found[1]) not in known)
    for mark in removed:
        text = text.replace(mark, "")
    cited = dict.fromkeys(int(found[1]) for found in _MARK.finditer(text))
    return text, tuple(citation_of(known[number]) for number in cited), removed
