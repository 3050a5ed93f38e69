"""Assistants that ask data sources."""

from __future__ import annotations

from pathlib import Path

from conversations.answering.events import ToolUsed
from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from tests.conversations.conftest import Desk, with_model
from tests.support.chat_server import ChatServer, calls, says
from workspaces.data_sources.importing import get_or_create_data_source, upload
from workspaces.models import DataImport


def test_numbers_of_tables_are_exact_and_a_wrong_query_is_repaired(
    desk: Desk, server: ChatServer, tmp_path: Path
):
    path = tmp_path / "sales.csv"
    path.write_text("shop,amount\nnorth,19.99\nsouth,0.01\nnorth,5\n")
    actor = desk.person.actor
    with tenant_scope(actor.tenant_id):
        workspace = desk.assistant.workspace
    source = get_or_create_data_source(actor=actor, workspace=workspace, name="Sales")
    upload(actor=actor, data_source_id=source.pk, path=path, filename=path.name, starts=True)
    work_in_process(handler_of(DataImport), actor.tenant_id)
    with_model(desk, server, tools={"names": ["query_data"], "rounds": 5})
    right = {"sql": "SELECT sum(amount) AS total FROM sales WHERE shop = 'north'"}
    wrong = [calls(("query_data", {"sql": "SELECT sum(money) FROM sales"}))]
    server.script.extend([*wrong, calls(("query_data", right)), says("The north has sold 24.99.")])
    events = desk.ask("What has the north sold?")
    tools = [event.result_summary for event in events if isinstance(event, ToolUsed)]
    assert "refused" in tools[0] and '{"total":24.99}' in tools[1]
    described = server.requests[0]["tools"][0]["function"]["description"]
    assert '"amount": decimal; from 0.01 to 19.99' in described
    assert '{"total":24.99}' in str(server.requests[2]["messages"][-1]["content"])
    server.script.extend([*wrong * 3, calls(("query_data", right)), says("I cannot say.")])
    tools = [event.result_summary for event in desk.ask("And now?") if isinstance(event, ToolUsed)]
    assert "Three queries have failed" in tools[3]
