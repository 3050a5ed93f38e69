"""Citations as annotations of a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from conversations.answering.values import Citation
from core.api.openai.ids import as_id
from knowledge.openai.ids import FILE


def url_citations(text: str, citations: Sequence[Citation], address: str) -> list[dict[str, Any]]:
    """As of chat completions: one for each mark in the text. `address` is OYL's own, without a slash at the end."""
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": start,
                "end_index": end,
                "title": _title(citation),
                "url": f"{address}/admin/knowledge/chunk/{citation.chunk_id}/change/",
                "file_id": as_id(FILE, citation.document_id),
                "quote": citation.text,
            },
        }
        for start, end, citation in _marks(text, citations)
    ]


def file_citations(text: str, citations: Sequence[Citation]) -> list[dict[str, Any]]:
    """As of responses: `index` is where the mark is in the text."""
    return [
        {
            "type": "file_citation",
            "file_id": as_id(FILE, citation.document_id),
            "filename": citation.filename,
            "index": start,
            "page": citation.page,
            "quote": citation.text,
        }
        for start, _, citation in _marks(text, citations)
    ]


def _title(citation: Citation) -> str:
    return citation.filename if citation.page is None else f"{citation.filename}, page {citation.page}"


def _marks(text: str, citations: Sequence[Citation]) -> Iterator[tuple[int, int, Citation]]:
    """Each mark `[1]` in the text: its beginning, its end, and the first citation of this number."""
    by_number = {one.number: one for one in reversed(citations)}
    for number, citation in sorted(by_number.items()):
        mark, start = f"[{number}]", -1
        while (start := text.find(mark, start + 1)) >= 0:
            yield start, start + len(mark), citation
