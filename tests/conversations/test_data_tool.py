"""Assistants that ask data sources."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management import call_command

from conversations.answering.events import ToolUsed
from conversations.openai.citations import table_citations
from conversations.presenting import shown_reply
from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from tests.conversations.chat_pages import conversation, page
from tests.conversations.conftest import Desk, with_model
from tests.support.api_client import make_caller
from tests.support.chat_server import ChatServer, calls, says
from workspaces.data_sources.importing import get_or_create_data_source, upload
from workspaces.models import DataImport, DataSource


def test_numbers_of_tables_are_exact_and_a_wrong_query_is_repaired(
    desk: Desk, server: ChatServer, tmp_path: Path
):
    source = _import_sales(desk, tmp_path / "sales.csv")
    with_model(desk, server, tools={"names": ["query_data"], "rounds": 5})
    right = {"sql": "SELECT sum(amount) AS total FROM sales WHERE shop = 'north'"}
    wrong = [calls(("query_data", {"sql": "SELECT sum(money) FROM sales"}))]
    server.script.extend([*wrong, calls(("query_data", right)), says("The north has sold 24.99 [1].")])
    events = desk.ask("What has the north sold?")
    tools = [event.result_summary for event in events if isinstance(event, ToolUsed)]
    assert "refused" in tools[0] and '{"total":24.99}' in tools[1]
    described = server.requests[0]["tools"][0]["function"]["description"]
    assert '"amount": decimal; from 0.01 to 19.99' in described
    assert '{"total":24.99}' in str(server.requests[2]["messages"][-1]["content"])
    _assert_cited(desk, source.pk, events[-1])
    server.script.extend([*wrong * 3, calls(("query_data", right)), says("I cannot say.")])
    tools = [event.result_summary for event in desk.ask("And now?") if isinstance(event, ToolUsed)]
    assert "Three queries have failed" in tools[3]


def test_tables_answer_without_a_model_if_every_word_is_understood(desk: Desk, tmp_path: Path):
    source = _import_sales(desk, tmp_path / "sales.csv")
    question = "What is the total amount in the shop north?"
    assert desk.reply(question).model == "extractive"
    with tenant_scope(desk.person.tenant_id):
        desk.assistant.settings_json = {"tools": {"names": ["query_data"]}}
        desk.assistant.save()
    reply = desk.reply(question)
    (table,) = reply.tables
    assert reply.answer == f"Sales: sum(amount), shop = north: 24.99 [{table.number}]"
    assert (reply.model, table.rows, table.data_sources) == (
        "structured",
        ((24.99,),),
        ((source.pk, "Sales"),),
    )
    grouped = desk.reply("Which shop has the most sales?").answer
    assert grouped.startswith("Sales: count [") and grouped.endswith("\n\n- north: 2")
    assert desk.reply("How do honey bees tell where flowers are?").model == "extractive"
    out = StringIO()
    call_command("ask", "Guide", question, "--tenant", str(desk.person.tenant_id), stdout=out)
    assert '{"result":24.99}' in out.getvalue()
    (shown,) = (
        make_caller(desk.person)
        .post(f"assistants/{desk.assistant.pk}/ask/", {"question": question})
        .json()["tables"]
    )
    assert shown["rows"] == [[24.99]]


def _import_sales(desk: Desk, path: Path) -> DataSource:
    path.write_text("shop,amount\nnorth,19.99\nsouth,0.01\nnorth,5\n")
    actor = desk.person.actor
    with tenant_scope(actor.tenant_id):
        workspace = desk.assistant.workspace
    source = get_or_create_data_source(actor=actor, workspace=workspace, name="Sales")
    upload(actor=actor, data_source_id=source.pk, path=path, filename=path.name, starts=True)
    work_in_process(handler_of(DataImport), actor.tenant_id)
    return source


def _assert_cited(desk: Desk, source: UUID, last: Any) -> None:
    """By all that shows an answer."""
    reply = shown_reply(last.reply)
    (table,) = reply["tables"]
    number = table["number"]
    assert (table["columns"], table["rows"], table["row_count"]) == (["total"], [[24.99]], 1)
    assert (
        table["data_sources"] == [{"id": source, "name": "Sales"}] and "sum(amount)" in table["sql"].lower()
    )
    assert f"[{number}]" in reply["answer"]
    assert [(one["support"], one["cited"]) for one in reply["sentences"]] == [("supported", [number])]
    kept = make_caller(desk.person).get(f"messages/{reply['message_id']}/").json()
    assert kept["tables"] == [{**table, "data_sources": [{"id": str(source), "name": "Sales"}]}]
    annotations = table_citations(last.reply.answer, last.reply.tables, "https://oyl.example.org")
    assert annotations[0]["url_citation"]["url"].endswith(f"/datasource/{source}/explore/")
    shown = page(desk.person.client, conversation(last.reply))
    assert (
        f'href="/admin/workspaces/datasource/{source}/explore/">Sales</a>' in shown and "24.99</td>" in shown
    )
