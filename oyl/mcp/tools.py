"""The tools: what a model reads about each, the request to the REST API that it stands for, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from core.errors import InvalidError
from core.name_fields import as_uuid
from oyl.mcp.inner_requests import Call

API = "/api/v1"
MAX_PASSAGES, MAX_ROWS = 50, 200
# Of a document's text at a time, in characters: some 5,000 tokens.
MAX_TEXT = 20_000
# Of a passage, for a model: the ids are for the other tools.
PASSAGE_FIELDS = ("document_id", "filename", "title", "page", "heading", "text", "start", "end", "score")

Arguments = Mapping[str, Any]
Ask = Callable[[Call], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`run` gets a function that sends a request to the REST API, and returns what the model reads as JSON: an object."""

    name: str
    title: str
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    run: Callable[[Ask, Arguments], dict[str, Any]]
    only_reads: bool = True

    @property
    def input_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.required),
            "additionalProperties": False,
        }


def search(ask: Ask, arguments: Arguments) -> dict[str, Any]:
    body: dict[str, Any] = {"query": arguments["query"], "limit": arguments.get("limit", 8)}
    if references := arguments.get("references"):
        body["filters"] = {"references": references}
    results = ask(Call(method="POST", path=f"{API}/search/", body=body))["results"]
    return {"passages": [{name: one[name] for name in PASSAGE_FIELDS} for one in results]}


def get_document(ask: Ask, arguments: Arguments) -> dict[str, Any]:
    path = f"{API}/documents/{quote(arguments['document_id'], safe='')}/"
    document = ask(Call(method="GET", path=path))
    text = ask(Call(method="GET", path=f"{path}text/"))["text"]
    start = arguments.get("start", 0)
    end = min(len(text), start + arguments.get("length", MAX_TEXT))
    facts = {name: document[name] for name in ("id", "filename", "reference", "processed_status")}
    return {**facts, "text": text[start:end], "start": start, "end": end, "total": len(text)}


def list_assistants(ask: Ask, arguments: Arguments) -> dict[str, Any]:
    return _list(ask, "assistants", ("id", "name", "workspace"))


def list_references(ask: Ask, arguments: Arguments) -> dict[str, Any]:
    return _list(ask, "references", ("id", "name", "description", "workspace"))


def ask_assistant(ask: Ask, arguments: Arguments) -> dict[str, Any]:
    assistant = _assistant_id(ask, arguments["assistant"])
    body = {name: arguments[name] for name in ("question", "conversation") if arguments.get(name) is not None}
    answer: dict[str, Any] = ask(Call(method="POST", path=f"{API}/assistants/{assistant}/ask/", body=body))
    return answer


def _assistant_id(ask: Ask, named: str) -> UUID:
    """Raises InvalidError for a name that no assistant has, or several."""
    if pk := as_uuid(named):
        return pk
    call = Call(method="GET", path=f"{API}/assistants/", query={"name": named, "limit": 2})
    found = ask(call)["results"]
    if len(found) != 1:
        number = "Several assistants are" if found else "No assistant is"
        raise InvalidError(f"{number} named '{named}': take an id of list_assistants.")
    return UUID(found[0]["id"])


def _list(ask: Ask, route: str, fields: tuple[str, ...]) -> dict[str, Any]:
    page = ask(Call(method="GET", path=f"{API}/{route}/", query={"ordering": "name", "limit": MAX_ROWS}))
    rows = [{name: row[name] for name in fields} for row in page["results"]]
    return {route: rows, "has_more": page["next"] is not None}


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            name="search",
            title="Search the documents",
            description="Find the passages of the organisation's documents that answer a question, the best first, with file"
            " name, page and relevance (0 to 1). An empty list means that nothing was found.",
            properties={
                "query": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 10_000,
                    "description": 'A question or words; "phrases", -exclusions and field:value are understood.',
                },
                "references": {
                    "type": "array",
                    "items": {"type": "string", "format": "uuid"},
                    "description": "Ids of list_references; without it, all are searched.",
                },
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PASSAGES, "default": 8},
            },
            required=("query",),
            run=search,
        ),
        Tool(
            name="ask",
            title="Ask an assistant",
            description="Ask one of the organisation's assistants. It answers from its documents, and cites the passages; it"
            " says so if they do not have the answer.",
            properties={
                "assistant": {
                    "type": "string",
                    "minLength": 1,
                    "description": "Its id or name, of list_assistants.",
                },
                "question": {"type": "string", "minLength": 1, "maxLength": 10_000},
                "conversation": {
                    "type": "string",
                    "format": "uuid",
                    "description": "Of an earlier answer, to go on with it.",
                },
            },
            required=("assistant", "question"),
            run=ask_assistant,
            only_reads=False,
        ),
        Tool(
            name="get_document",
            title="Read a document",
            description=f"The text of a document, up to {MAX_TEXT:,} characters at a time.",
            properties={
                "document_id": {"type": "string", "format": "uuid", "description": "As search returns it."},
                "start": {
                    "type": "integer",
                    "minimum": 0,
                    "default": 0,
                    "description": "The first character; go on at `end` while it is less than `total`.",
                },
                "length": {"type": "integer", "minimum": 1, "maximum": MAX_TEXT, "default": MAX_TEXT},
            },
            required=("document_id",),
            run=get_document,
        ),
        Tool(
            name="list_assistants",
            title="List the assistants",
            description="The assistants that can be asked, by name.",
            properties={},
            required=(),
            run=list_assistants,
        ),
        Tool(
            name="list_references",
            title="List the references",
            description="The libraries of documents that can be searched, by name.",
            properties={},
            required=(),
            run=list_references,
        ),
    )
}
