"""Queries without SQL: an object says what is selected, filtered, grouped, aggregated and ordered. It becomes one SELECT, in
which names are quoted and values are literals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import InvalidError
from core.json_schema import problems
from engines.tables.types_of_text import literal, quoted
from workspaces.data_sources.errors import ColumnUnknownError

MAX_LIMIT = 10_000
AGGREGATES = ("count", "count_distinct", "sum", "avg", "min", "max", "median")
_COMPARED = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
OPERATORS = (*_COMPARED, "contains", "starts_with", "in", "not_in", "is_null", "not_null")
_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_NAMES = {"type": "array", "items": _NAME, "maxItems": 300}
_SCALAR = {"type": ["string", "number", "boolean", "null"], "maxLength": 1000}


def _list_of(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    one = {
        "type": "object",
        "additionalProperties": False,
        "required": [*required],
        "properties": dict(properties),
    }
    return {"type": "array", "items": one, "maxItems": 50}


FORM: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "select": {**_NAMES, "description": "columns; all if there are neither groups nor aggregates"},
        "where": _list_of(
            {
                "column": _NAME,
                "op": {"enum": list(OPERATORS)},
                "value": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "maxItems": 1000}]},
            },
            "column",
            "op",
        ),
        "group": {**_NAMES, "description": "columns; each combination of their values is a row"},
        "aggregate": _list_of(
            {"function": {"enum": list(AGGREGATES)}, "column": _NAME, "as": _NAME}, "function"
        ),
        "order": _list_of({"by": _NAME, "descending": {"type": "boolean"}}, "by"),
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
        "offset": {"type": "integer", "minimum": 0, "maximum": 1_000_000_000},
    },
}


class StructuredQueryInvalidError(InvalidError):
    """The query has not the form of a structured query."""

    field = "structured"


def as_sql(
    table: str, columns: Sequence[str], query: Mapping[str, Any], *, limit: int | None = MAX_LIMIT
) -> str:
    """`limit` is that of a query that names none. Raises StructuredQueryInvalidError and ColumnUnknownError."""
    if found := problems(FORM, query):
        raise StructuredQueryInvalidError(" ".join(found))
    aggregates = {_alias(one): _aggregate(one, columns) for one in query.get("aggregate", [])}
    groups = query.get("group", [])
    names = query.get("select") or groups or ([] if aggregates else list(columns))
    if groups and not set(names) <= set(groups):
        raise StructuredQueryInvalidError("With groups, `select` has only columns of `group`.")
    if aggregates and not groups and query.get("select"):
        raise StructuredQueryInvalidError("With aggregates, name the selected columns in `group`.")
    selected = [_column(name, columns) for name in names]
    selected += [f"{sql} AS {quoted(alias)}" for alias, sql in aggregates.items()]
    parts = [f"SELECT {', '.join(selected)} FROM {quoted(table)}"]  # noqa: S608 (names are quoted)
    if where := [_condition(one, columns) for one in query.get("where", [])]:
        parts.append(f"WHERE {' AND '.join(where)}")
    if groups:
        parts.append(f"GROUP BY {', '.join(_column(name, columns) for name in groups)}")
    if order := [_order(one, [*columns, *aggregates]) for one in query.get("order", [])]:
        parts.append(f"ORDER BY {', '.join(order)}")
    if most := query.get("limit", limit):
        parts.append(f"LIMIT {most}")
    if offset := query.get("offset"):
        parts.append(f"OFFSET {offset}")
    return " ".join(parts)


def _column(name: str, columns: Sequence[str]) -> str:
    if name not in columns:
        raise ColumnUnknownError(f"There is no column '{name}'. There are: {', '.join(columns)}.")
    return quoted(name)


def _alias(one: Mapping[str, Any]) -> str:
    return str(one.get("as") or "_".join(filter(None, (one["function"], one.get("column")))))


def _aggregate(one: Mapping[str, Any], columns: Sequence[str]) -> str:
    function = one["function"]
    if "column" not in one:
        if function != "count":
            raise StructuredQueryInvalidError(f"'{function}' needs a `column`.")
        return "count(*)"
    column = _column(one["column"], columns)
    return f"count(DISTINCT {column})" if function == "count_distinct" else f"{function}({column})"


def _condition(one: Mapping[str, Any], columns: Sequence[str]) -> str:
    column, op, value = _column(one["column"], columns), one["op"], one.get("value")
    if op in _COMPARED:
        return f"{column} {_COMPARED[op]} {_scalar(value)}"
    return _OTHERS[op](column, value)


def _is_in(column: str, value: Any) -> str:
    if not isinstance(value, list) or not value:
        raise StructuredQueryInvalidError("With 'in' and 'not_in', `value` is a list that is not empty.")
    return f"{column} IN ({', '.join(map(_scalar, value))})"


def _text_test(function: str) -> Callable[[str, Any], str]:
    return lambda column, value: f"{function}(lower(CAST({column} AS VARCHAR)), lower({_text(value)}))"


_OTHERS: Mapping[str, Callable[[str, Any], str]] = {
    "contains": _text_test("contains"),
    "starts_with": _text_test("starts_with"),
    "in": _is_in,
    "not_in": lambda column, value: f"NOT ({_is_in(column, value)})",
    "is_null": lambda column, value: f"{column} IS NULL",
    "not_null": lambda column, value: f"{column} IS NOT NULL",
}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise StructuredQueryInvalidError("With 'contains' and 'starts_with', `value` is a text.")
    return literal(value)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, list):
        raise StructuredQueryInvalidError("Give one `value`; for what is empty there is 'is_null'.")
    if isinstance(value, bool):
        return str(value).lower()
    return literal(value) if isinstance(value, str) else repr(value)


def _order(one: Mapping[str, Any], known: Sequence[str]) -> str:
    return f"{_column(one['by'], known)} {'DESC' if one.get('descending') else 'ASC'} NULLS LAST"
