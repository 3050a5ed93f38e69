"""Checked statements over Parquet files, in the process with limits."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from core.json_values import json_text
from engines.tables import Column, QueryResult, TableError, TableLimits
from engines.tables.json_cells import cell
from engines.tables.profiles import type_name
from engines.tables.statements import Statement
from engines.tables.types_of_text import literal, quoted

_ROWS_AT_ONCE = 500
# What spreadsheets take for a formula, as `core.admin.exports` has it.
_FORMULA, _APOSTROPHE = r"^[=+\-@\t\r\n]", "'"


def open_tables(connection: Any, statement: Statement, tables: Mapping[str, Path]) -> None:
    for name in statement.tables:
        connection.execute(
            f"CREATE VIEW {quoted(name)} AS SELECT * FROM read_parquet({literal(tables[name])})"
        )


def lock(connection: Any, paths: list[Path]) -> None:
    """From now on, only these files can be reached, and no setting can be changed."""
    connection.execute(f"SET allowed_paths=[{', '.join(map(literal, paths))}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


def query(connection: Any, statement: Statement, limits: TableLimits) -> QueryResult:
    """Raises TableError."""
    begun = time.monotonic()
    rows: list[tuple[Any, ...]] = []
    size, is_cut = 0, False
    try:
        _require_select(connection, statement.sql)
        result = connection.execute(statement.sql)
        columns = tuple(Column(name=str(one[0]), type=type_name(str(one[1]))) for one in result.description)
        while not is_cut and (page := result.fetchmany(_ROWS_AT_ONCE)):
            for values in page:
                row = tuple(map(cell, values))
                size += len(json_text(row))
                is_cut = len(rows) >= limits.rows or size > limits.result_mb << 20
                if is_cut:
                    break
                rows.append(row)
    except duckdb.Error as error:
        raise failed(error, limits) from error
    return QueryResult(
        columns=_distinct(columns),
        rows=tuple(rows),
        is_cut=is_cut,
        seconds=round(time.monotonic() - begun, 4),
        sql=statement.sql,
        tables=statement.tables,
    )


def export(connection: Any, statement: Statement, target: Path, format: str, limits: TableLimits) -> None:
    """The rows as a file. In CSV, a text that a spreadsheet would take for a formula has an apostrophe before it. Raises
    TableError."""
    try:
        _require_select(connection, statement.sql)
        selected = "*"
        if format == "csv":
            described = connection.execute(f"DESCRIBE ({statement.sql})").fetchall()
            selected = ", ".join(_harmless(str(name), str(kind)) for name, kind, *_ in described)
        options = "(FORMAT parquet)" if format == "parquet" else "(FORMAT csv, HEADER)"
        connection.execute(f"COPY (SELECT {selected} FROM ({statement.sql})) TO {literal(target)} {options}")
    except duckdb.Error as error:
        raise failed(error, limits) from error


def failed(error: Exception, limits: TableLimits) -> TableError:
    if isinstance(error, duckdb.OutOfMemoryException):
        return TableError("table_memory", megabytes=limits.memory_mb)
    first = str(error).strip().split("\n")[0]
    reason = first.partition(": ")[2] or first
    return TableError("table_failed", reason=reason[:300].rstrip("."))


def _require_select(connection: Any, sql: str) -> None:
    """DuckDB's own parser agrees that this is one SELECT."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise TableError("table_statement", reason="only SELECT is allowed")


def _harmless(name: str, kind: str) -> str:
    column, heading = quoted(name), quoted(f"'{name}" if re.match(_FORMULA, name) else name)
    if kind != "VARCHAR":
        return f"{column} AS {heading}"
    safe = f"CASE WHEN regexp_matches({column}, {literal(_FORMULA)}) THEN concat({literal(_APOSTROPHE)}, {column})"
    return f"{safe} ELSE {column} END AS {heading}"


def _distinct(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of the same name get numbers, so that each row can be an object."""
    seen: dict[str, int] = {}
    found = []
    for column in columns:
        number = seen[column.name] = seen.get(column.name, 0) + 1
        name = column.name if number == 1 else f"{column.name}_{number}"
        found.append(Column(name=name, type=column.type))
    return tuple(found)
