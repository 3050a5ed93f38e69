"""Citations as annotations of a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from conversations.answering.values import Citation, TableCitation
from core.api.openai.ids import as_id
from knowledge.openai.ids import FILE

Cited = TypeVar("Cited", Citation, TableCitation)


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


def table_citations(text: str, tables: Sequence[TableCitation], address: str) -> list[dict[str, Any]]:
    """As of chat completions: one for each mark of rows in the text, to the page of the first data source that was asked."""
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": start,
                "end_index": end,
                "title": ", ".join(name for _, name in table.data_sources),
                "url": f"{address}/admin/workspaces/datasource/{table.data_sources[0][0]}/explore/",
                "quote": table.sql,
            },
        }
        for start, end, table in _marks(text, [one for one in tables if one.data_sources])
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


def _marks(text: str, citations: Sequence[Cited]) -> Iterator[tuple[int, int, Cited]]:
    """Each mark `[1]` in the text: its beginning, its end, and the first citation of this number."""
    by_number = {one.number: one for one in reversed(citations)}
    for number, citation in sorted(by_number.items()):
        mark, start = f"[{number}]", -1
        while (start := text.find(mark, start + 1)) >= 0:
            yield start, start + len(mark), citation
