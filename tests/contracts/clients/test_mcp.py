"""The Model Context Protocol, by the client of its own package."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.test import override_settings
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from assistants.models import Assistant
from audit.services import save_audited
from core.isolation.scope import tenant_scope
from oyl.mcp.tools import TOOLS
from tenants.services.api_keys import create_api_key
from tests.conftest import Person
from tests.conversations.conftest import make_desk, with_model
from tests.conversations.requests import QUESTION
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from tests.support.chat_server import ChatServer, never_ends
from tests.support.model_server import running
from tests.support.server import running_server

ALL = ["knowledge:read", "assistants:read", "conversations:write"]


@pytest.fixture
def library(owner: Person, tmp_path) -> Library:
    library = make_library(owner, tmp_path / "own")
    library.add("bees.md", BEES)
    library.add("rivers.md", RIVERS)
    return library


def secret(person: Person, scopes: list[str] = ALL, **options: Any) -> str:
    return create_api_key(actor=person.actor, name="Model", scopes=scopes, **options).secret


def in_session(address: str, key: str, use: Callable[[ClientSession], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            create_mcp_http_client(headers) as client,
            streamable_http_client(f"{address}/mcp/", http_client=client) as streams,
            ClientSession(streams[0], streams[1]) as session,
        ):
            await session.initialize()
            return await use(session)

    return asyncio.run(run())


def call(address: str, key: str, tool: str, **arguments: Any) -> Any:
    return in_session(address, key, lambda session: session.call_tool(tool, arguments))


def failure(result: Any) -> str:
    assert result.is_error, result
    return str(result.content[0].text)


def test_tools_are_listed_with_their_schemas(address: str, owner: Person):
    listed = in_session(address, secret(owner), lambda session: session.list_tools()).tools
    assert {tool.name: tool.input_schema for tool in listed} == {
        name: tool.input_schema for name, tool in TOOLS.items()
    }
    assert {tool.name for tool in listed if not tool.annotations.read_only_hint} == {"ask"}


def test_search_finds_passages_and_get_document_reads_on(address: str, owner: Person, library: Library):
    key = secret(owner)
    found = call(address, key, "search", query="How do bees tell where flowers are?")
    passage = found.structured_content["passages"][0]
    assert (passage["filename"], json.loads(found.content[0].text)) == ("bees.md", found.structured_content)
    part = call(address, key, "get_document", document_id=passage["document_id"], start=2, length=4)
    assert (part.structured_content["text"], part.structured_content["end"]) == ("es\n\n"[:4], 6)
    assert part.structured_content["total"] > 6


def test_search_stays_within_the_references(address: str, owner: Person, library: Library):
    key = secret(owner)
    (row,) = call(address, key, "list_references").structured_content["references"]
    assert row["id"] == str(library.reference.pk)
    assert call(address, key, "search", query="bees", references=[row["id"]]).structured_content["passages"]
    assert not call(address, key, "search", query="bees", references=[str(uuid4())]).structured_content[
        "passages"
    ]


def test_assistants_are_listed(address: str, owner: Person, library: Library):
    with tenant_scope(owner.tenant_id):
        assistant = Assistant(workspace=library.reference.workspace, name="Helper")
        save_audited(actor=owner.actor, instance=assistant)
    listed = call(address, secret(owner), "list_assistants").structured_content
    assert [row["id"] for row in listed["assistants"]] == [str(assistant.pk)]
    assert not listed["has_more"]


def test_errors_tell_the_model_what_to_do(address: str, owner: Person, library: Library):
    key = secret(owner)
    assert "There are: search, ask" in failure(call(address, key, "delete_everything"))
    assert "query" in failure(call(address, key, "search"))
    assert "limit: 1000 is greater" in failure(call(address, key, "search", query="bees", limit=1000))
    too_long = failure(call(address, key, "search", query="b" * 100_000))
    assert too_long.endswith("' is too long") and len(too_long) < 300
    assert "no such object" in failure(call(address, key, "get_document", document_id=str(uuid4())))
    assert "list_assistants" in failure(call(address, key, "ask", assistant="Nobody", question="Why?"))


def test_tools_need_the_scopes_of_their_routes(address: str, owner: Person, library: Library):
    key = secret(owner, ["assistants:read"])
    assert "knowledge:read" in failure(call(address, key, "search", query="bees"))
    assert not call(address, key, "list_assistants").is_error


def test_stranger_reads_nothing(address: str, stranger: Person, library: Library):
    key = secret(stranger)
    (document,) = [one for name, one in library.documents().items() if name == "bees.md"]
    assert call(address, key, "search", query="bees").structured_content == {"passages": []}
    assert failure(call(address, key, "get_document", document_id=str(document.pk)))
    assert call(address, key, "list_references").structured_content["references"] == []


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer oyl_unknown"}])
def test_nobody_enters_without_a_key(address: str, header: dict[str, str]):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    response = httpx.post(f"{address}/mcp/", json=body, headers={"Accept": "application/json", **header})
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="OYL"')


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"jsonrpc": "2.0"}', b"\xff", b'{"a":' * 1000])
def test_what_is_no_message_is_refused(address: str, owner: Person, body: bytes):
    headers = {
        "Authorization": f"Bearer {secret(owner)}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    response = httpx.post(f"{address}/mcp/", content=body, headers=headers)
    assert response.status_code == 400 and response.json()["error"]["message"]


def test_client_that_leaves_stops_the_model(owner: Person, tmp_path: Path):
    desk = make_desk(owner, tmp_path / "own")
    with running(ChatServer(otherwise=never_ends())) as model:
        with_model(desk, model)
        allowed = override_settings(OUTBOUND_ALLOW=[f"127.0.0.1:{model.server_port}"])
        with allowed, running_server() as address:
            message = {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "ask", "arguments": {"assistant": "Guide", "question": QUESTION}},
            }
            headers = {"Authorization": f"Bearer {secret(owner)}", "Accept": "application/json"}
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(
                    f"{address}/mcp/", json=message, headers=headers, timeout=httpx.Timeout(30, read=8)
                )
            assert model.requests, "the model was asked"
            until = time.monotonic() + 10
            while not model.dropped and time.monotonic() < until:
                time.sleep(0.1)
            assert model.dropped == 1
