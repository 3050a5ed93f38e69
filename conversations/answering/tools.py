"""What a model may call while it answers. Each tool reads only what the assistant reads, whatever its arguments say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from conversations.answering import data_tool
from conversations.answering.prompt import harmless, passage_text
from conversations.answering.request import AnswerRequest
from conversations.answering.retrieval import narrowed, retrieve
from conversations.answering.selection import select
from conversations.answering.values import Passage, TableCitation
from core.errors import InvalidError, OylError
from core.isolation.scope import tenant_scope
from core.json_values import storable_text
from core.name_fields import as_uuid
from engines.chat import Tool, ToolCall
from knowledge.search.neighbours import document_names, neighbours_of

MAX_DOCUMENTS, MAX_NEIGHBOURS = 100, 3
_STRINGS = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """`text` is what the model reads, `summary` is a sentence for people."""

    text: str
    summary: str
    passages: tuple[Passage, ...] = ()
    table: TableCitation | None = None


class Toolbox:
    """The tools of one answer, and the passages and rows that they have added, whose numbers go on from those of the
    prompt."""

    def __init__(self, request: AnswerRequest, passages: Sequence[Passage]) -> None:
        self._request, self.passages = request, list(passages)
        self.tables: list[TableCitation] = []
        self.tools = [TOOLS[name].tool for name in request.profile.settings.tools if name in TOOLS]
        self._failed_queries = 0
        if data_tool.NAME in request.profile.settings.tools:
            self.tools += _data_tools(request)

    def call(self, call: ToolCall) -> tuple[dict[str, Any], ToolResult]:
        """Return the arguments and the result; what the model did wrong is a result that tells it so."""
        arguments: dict[str, Any] = {}
        try:
            arguments = _arguments(call)
            if call.name not in {tool.name for tool in self.tools}:
                raise InvalidError(f"There is no tool '{call.name}'.")
            if call.name == data_tool.NAME:
                return arguments, self._query(arguments)
            result = TOOLS[call.name].run(self._request, self.passages, self._next, arguments)
        except OylError as error:
            return arguments, ToolResult(text=f"Error: {error}", summary=f"It was refused: {error}")
        self.passages += result.passages
        return arguments, result

    @property
    def _next(self) -> int:
        """The number of what is added next."""
        numbers = [*(one.number for one in self.passages), *(one.number for one in self.tables)]
        return max(numbers, default=0) + 1

    def _query(self, arguments: Mapping[str, Any]) -> ToolResult:
        """A query that fails may be repaired twice. Raises OylError."""
        if self._failed_queries >= data_tool.MAX_FAILURES:
            raise InvalidError("Three queries have failed. Say that the tables could not be asked.")
        try:
            text, summary, table = data_tool.run(self._request, arguments, self._next)
        except OylError:
            self._failed_queries += 1
            raise
        self.tables.append(table)
        return ToolResult(text=text, summary=summary, table=table)


def _data_tools(request: AnswerRequest) -> list[Tool]:
    """The tool describes the tables; without any, there is none."""
    description = data_tool.description_of(request)
    properties = {"sql": {"type": "string", "description": "One SELECT."}}
    return [_tool(data_tool.NAME, description, properties, ["sql"])] if description else []


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidError("The arguments are not valid JSON.") from error
    if not isinstance(arguments, dict):
        raise InvalidError("The arguments are not a JSON object.")
    return arguments


def _search(
    request: AnswerRequest, known: Sequence[Passage], first: int, arguments: Mapping[str, Any]
) -> ToolResult:
    query = arguments.get("query")
    if not isinstance(query, str) or not query.strip():
        raise InvalidError("Give a `query`.")
    documents = arguments.get("documents")
    asked = request.filters
    if documents is not None:
        wanted = set(_ids(documents))
        kept = wanted if asked.documents is None else wanted & set(asked.documents)
        asked = replace(asked, documents=tuple(kept))
    found = retrieve(request, storable_text(query[:1000]), asked)
    settings, seen = request.profile.settings, {passage.chunk.chunk_id for passage in known}
    fresh = [chunk for chunk in found.candidates if chunk.chunk_id not in seen]
    passages = select(fresh, passages=settings.passages, per_document=settings.per_document, first=first)
    return _of_passages(passages, f"Searched for “{query}”")


def _open_neighbours(
    request: AnswerRequest, known: Sequence[Passage], first: int, arguments: Mapping[str, Any]
) -> ToolResult:
    number = arguments.get("passage")
    passage = next((one for one in known if one.number == number), None)
    if passage is None:
        raise InvalidError("Give the number of a passage as `passage`.")
    ids = passage.joined or (passage.chunk.chunk_id,)
    with tenant_scope(request.tenant_id):
        chunks = neighbours_of(ids, references=request.profile.references, each_side=MAX_NEIGHBOURS)
    seen = {pk for one in known for pk in (one.joined or (one.chunk.chunk_id,))}
    fresh = [chunk for chunk in chunks if chunk.chunk_id not in seen]
    passages = select(fresh, passages=2 * MAX_NEIGHBOURS, per_document=2 * MAX_NEIGHBOURS, first=first)
    return _of_passages(passages, f"Opened what stands beside passage {number}")


def _list_documents(
    request: AnswerRequest, known: Sequence[Passage], first: int, arguments: Mapping[str, Any]
) -> ToolResult:
    filters = narrowed(request, request.filters)
    with tenant_scope(request.tenant_id):
        names = document_names(filters.references or (), only=filters.documents, limit=MAX_DOCUMENTS)
    lines = [f"{pk} {harmless(name)}" for pk, name in names.items()]
    return ToolResult(
        text="\n".join(lines) or "There are no documents.", summary=f"Listed {len(lines)} documents."
    )


def _of_passages(passages: tuple[Passage, ...], done: str) -> ToolResult:
    text = "\n\n".join(map(passage_text, passages)) or "Nothing further was found."
    return ToolResult(text=text, summary=f"{done}: {len(passages)} further passages.", passages=passages)


def _ids(values: Any) -> list[UUID]:
    ids = [as_uuid(str(value)) for value in values] if isinstance(values, list) else [None]
    if None in ids:
        raise InvalidError("`documents` is a list of ids.")
    return [pk for pk in ids if pk]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    tool: Tool
    run: Callable[[AnswerRequest, Sequence[Passage], int, Mapping[str, Any]], ToolResult]


def _tool(name: str, description: str, properties: Mapping[str, Any], required: Sequence[str]) -> Tool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": [*required],
        "additionalProperties": False,
    }
    return Tool(name=name, description=description, parameters=schema)


TOOLS = {
    "search": _Known(
        tool=_tool(
            "search",
            "Search the documents again. Returns further passages with their numbers.",
            {"query": {"type": "string"}, "documents": {**_STRINGS, "description": "Only in these, by id."}},
            ["query"],
        ),
        run=_search,
    ),
    "open_neighbours": _Known(
        tool=_tool(
            "open_neighbours",
            "Read what stands directly before and after a passage in its document.",
            {"passage": {"type": "integer", "description": "The passage's number."}},
            ["passage"],
        ),
        run=_open_neighbours,
    ),
    "list_documents": _Known(
        tool=_tool("list_documents", "List the documents with their ids and names.", {}, []),
        run=_list_documents,
    ),
}
