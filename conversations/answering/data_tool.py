"""The tool by which a model gets exact answers: it writes a SELECT by the schema and the profile of the data sources of the
assistant's workspace, which is checked and run. The rows are in the event of the tool, and in the trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conversations.answering.prompt import harmless
from conversations.answering.request import AnswerRequest
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


def run(request: AnswerRequest, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """The rows for the model, and a sentence with the statement and its first rows for people. Raises OylError."""
    sql = arguments.get("sql")
    if not isinstance(sql, str) or not sql.strip():
        raise InvalidError("Give one SELECT as `sql`.")
    try:
        result = query(
            actor=request.actor,
            workspace_id=request.profile.workspace_id,
            sql=storable_text(sql),
            limits=replace(LIMITS, rows=MAX_ROWS),
        )
    except EngineError as error:
        raise InvalidError(error.detail) from error
    return _for_model(result), _for_people(result)


def _for_model(result: QueryResult) -> str:
    rows = "\n".join(harmless(json_text(row)) for row in result.as_dicts()) or "There are no rows."
    return f"{rows}\nThere are further rows; ask for fewer." if result.is_cut else rows


def _for_people(result: QueryResult) -> str:
    shown = "; ".join(json_text(row) for row in result.as_dicts()[:SHOWN_ROWS])
    more = " …" if len(result.rows) > SHOWN_ROWS else ""
    return f"Asked the tables: {result.sql} → {len(result.rows)} rows: {shown}{more}"[:2000]
