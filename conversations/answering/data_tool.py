"""The tool by which a model gets exact answers: it writes a SELECT by the schema and the profile of the data sources of the
assistant's workspace, which is checked and run. The answer can cite its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from conversations.answering.prompt import harmless
from conversations.answering.request import AnswerRequest
from conversations.answering.values import TableCitation
from core.errors import EngineError, InvalidError
from core.isolation.scope import tenant_scope
from core.json_values import json_text, storable_text
from engines.tables import QueryResult
from workspaces.data_sources.querying import LIMITS, query
from workspaces.data_sources.schema import in_words
from workspaces.models import DataSource

NAME = "query_data"
# A first query, and two that repair it.
MAX_FAILURES = 3
MAX_TABLES, MAX_ROWS, SHOWN_ROWS = 20, 100, 5
# Of the rows that are kept with an answer.
MAX_CITED = 32_000
_DESCRIPTION = (
    "Count, add up and look up rows exactly, by one SELECT in DuckDB's SQL. Use it for every number that is asked for, and "
    "repeat the numbers as they are returned. These tables exist:\n\n"
)


def description_of(request: AnswerRequest) -> str:
    """For the model: "" if the workspace has no rows to ask."""
    with tenant_scope(request.tenant_id):
        rows = DataSource.objects.filter(workspace=request.profile.workspace_id).exclude(file_path="")
        tables = [
            in_words(one.name, one.schema_json, one.profile_json, description=one.description)
            for one in rows.order_by("name")[:MAX_TABLES]
        ]
    return _DESCRIPTION + harmless("\n\n".join(tables)) if tables else ""


def run(request: AnswerRequest, arguments: Mapping[str, Any], number: int) -> tuple[str, str, TableCitation]:
    """The rows for the model, a sentence with the statement and its first rows for people, and the rows as what can be cited
    by the number. Raises OylError."""
    sql = arguments.get("sql")
    if not isinstance(sql, str) or not sql.strip():
        raise InvalidError("Give one SELECT as `sql`.")
    try:
        result = ask(request, sql)
    except EngineError as error:
        raise InvalidError(error.detail) from error
    return _for_model(result, number), _for_people(result), cited(request, result, number)


def ask(request: AnswerRequest, sql: str) -> QueryResult:
    """Raises OylError, and EngineError if a retry helps."""
    return query(
        actor=request.actor,
        workspace_id=request.profile.workspace_id,
        sql=storable_text(sql),
        limits=replace(LIMITS, rows=MAX_ROWS),
    )


def cited(request: AnswerRequest, result: QueryResult, number: int) -> TableCitation:
    with tenant_scope(request.tenant_id):
        rows = DataSource.objects.filter(workspace=request.profile.workspace_id, name__in=result.tables)
        sources = tuple(rows.order_by("name").values_list("pk", "name"))
    return TableCitation(
        number=number,
        sql=result.sql,
        data_sources=sources,
        columns=tuple(column.name for column in result.columns),
        rows=tuple(_first(result.rows)),
        row_count=len(result.rows),
        is_cut=result.is_cut,
    )


def _first(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    size = 0
    for row in rows:
        size += len(json_text(row))
        if size > MAX_CITED:
            return
        yield row


def _for_model(result: QueryResult, number: int) -> str:
    rows = "\n".join(harmless(json_text(row)) for row in result.as_dicts()) or "There are no rows."
    more = "\nThere are further rows; ask for fewer." if result.is_cut else ""
    return f"These rows count as passage {number}: cite them as [{number}].\n{rows}{more}"


def _for_people(result: QueryResult) -> str:
    shown = "; ".join(json_text(row) for row in result.as_dicts()[:SHOWN_ROWS])
    more = " …" if len(result.rows) > SHOWN_ROWS else ""
    return f"Asked the tables: {result.sql} → {len(result.rows)} rows: {shown}{more}"[:2000]
