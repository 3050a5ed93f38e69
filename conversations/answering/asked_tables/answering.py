"""An answer of the data sources of the assistant's workspace, if its settings let it ask them (`query_data`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conversations.answering import data_tool
from conversations.answering.asked_tables.meaning import RESULT, query_for
from conversations.answering.asked_tables.reading import AskedColumn, AskedTable
from conversations.answering.marks import without_marks
from conversations.answering.request import AnswerRequest
from conversations.answering.tracing import TraceRecorder
from conversations.answering.values import Answer
from core.isolation.scope import tenant_scope
from engines.tables import QueryResult, TableError
from workspaces.data_sources.errors import TableRefusedError
from workspaces.data_sources.structured import as_sql
from workspaces.models import DataSource

MODEL = "structured"
SHOWN_ROWS = 20
_SIGNS = {"eq": "=", "gte": "≥", "lt": "<"}


def answer_from_tables(request: AnswerRequest, number: int, trace: TraceRecorder) -> Answer | None:
    """With its rows as the citation of this number; None if the question is not understood whole, or cannot be run. Raises
    OylError."""
    if data_tool.NAME not in request.profile.settings.tools:
        return None
    meant = query_for(request.question, _tables(request))
    if meant is None:
        trace.record("tables", understood=False)
        return None
    table, query = meant
    try:
        result = data_tool.ask(request, as_sql(table.name, [one.name for one in table.columns], query))
    except (TableRefusedError, TableError) as error:
        trace.record("tables", understood=True, query=query, reason=str(error))
        return None
    cited = data_tool.cited(request, result, number)
    trace.record("tables", understood=True, query=query, table=cited)
    return Answer(text=_in_words(table, query, result, number), citations=(), tables=(cited,), model=MODEL)


def _tables(request: AnswerRequest) -> list[AskedTable]:
    with tenant_scope(request.tenant_id):
        rows = DataSource.objects.filter(workspace=request.profile.workspace_id).exclude(file_path="")
        sources = list(rows.order_by("name")[: data_tool.MAX_TABLES])
    return [
        AskedTable(name=one.name, description=one.description, columns=tuple(_columns(one)))
        for one in sources
    ]


def _columns(source: DataSource) -> Iterator[AskedColumn]:
    """A long value is cut in the profile, and cannot be asked for."""
    frequent = {one["name"]: one.get("frequent", []) for one in source.profile_json}
    for column in source.schema_json:
        is_text = column["type"] == "text"
        values = [str(value) for value, _ in frequent.get(column["name"], []) if is_text]
        yield AskedColumn(
            name=column["name"],
            type=column["type"],
            description=str(column.get("description") or ""),
            values=tuple(value for value in values if not value.endswith("…")),
        )


def _in_words(table: AskedTable, query: Mapping[str, Any], result: QueryResult, number: int) -> str:
    """In no language: the names of columns, and values."""
    head = ", ".join([*_figures(query), *(_condition(one) for one in query["where"])])
    first = f"{table.name}: {head}" if head else table.name
    if not query.get("group") and query.get("aggregate"):
        return f"{first}: {_value(result.rows[0][0])} [{number}]"
    lines = [f"- {_row(row)}" for row in result.as_dicts()[:SHOWN_ROWS]]
    more = ["- …"] if len(result.rows) > SHOWN_ROWS else []
    return "\n".join([f"{first} [{number}]", "", *lines, *more])


def _figures(query: Mapping[str, Any]) -> Iterator[str]:
    for one in query.get("aggregate", ()):
        yield f"{one['function']}({one['column']})" if "column" in one else one["function"]


def _condition(one: Mapping[str, Any]) -> str:
    return f"{one['column']} {_SIGNS[one['op']]} {_value(one['value'])}"


def _row(row: Mapping[str, Any]) -> str:
    """The group and its figure, or all of the columns."""
    if RESULT in row and len(row) == 2:
        return ": ".join(map(_value, row.values()))
    return ", ".join(f"{name}: {_value(value)}" for name, value in row.items())


def _value(value: Any) -> str:
    """In one line, without what would be taken for a mark."""
    return "–" if value is None else " ".join(without_marks(str(value)).split())
