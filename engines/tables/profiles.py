"""What is known of each column of a Parquet file: figures of all rows, and the most frequent values of the first ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from engines.tables import TYPES, Column, ColumnProfile
from engines.tables.json_cells import shown
from engines.tables.types_of_text import literal, quoted

PROFILED_ROWS, FREQUENT = 100_000, 20
# A value that is there once is not frequent.
_MIN_FREQUENT = 2
_BY_SQL_TYPE = {sql: name for name, sql in TYPES.items()} | {
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "INTEGER", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
        "integer",
    ),
    **dict.fromkeys(("FLOAT", "REAL"), "number"),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "TIMESTAMP_S", "TIMESTAMP_MS"), "timestamp"),
    "UUID": "text",
}
_WITHOUT_ORDER = ("STRUCT", "MAP", "LIST", "UNION", "JSON", "BLOB")


def type_name(sql_type: str) -> str:
    if sql_type.startswith("DECIMAL"):
        return "decimal"
    return _BY_SQL_TYPE.get(sql_type, sql_type[:100])


def profile(connection: Any, path: Path) -> tuple[int, tuple[Column, ...], tuple[ColumnProfile, ...]]:
    """The number of rows, the columns, and their profiles."""
    source = f"read_parquet({literal(path)})"
    described = {
        str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    }
    (rows,) = connection.execute(f"SELECT count(*) FROM {source}").fetchone()
    first = f"(SELECT * FROM {source} LIMIT {PROFILED_ROWS})"
    in_order = {name for name, kind in described.items() if _has_order(kind)}
    filled = _of_columns(connection, "count", source, described)
    distinct = _of_columns(connection, "approx_count_distinct", source, described)
    least = _of_columns(connection, "min", source, in_order)
    greatest = _of_columns(connection, "max", source, in_order)
    examples = least | _of_columns(connection, "any_value", first, described)
    frequent = _frequent(connection, first, described)
    profiles = tuple(
        ColumnProfile(
            name=name,
            nulls=rows - filled[name],
            distinct=min(distinct[name], filled[name]),
            least=shown(least.get(name)),
            greatest=shown(greatest.get(name)),
            frequent=frequent[name],
        )
        for name in described
    )
    columns = tuple(
        Column(
            name=name,
            type=type_name(kind),
            nullable=filled[name] < rows,
            example=shown(examples.get(name)),
        )
        for name, kind in described.items()
    )
    return rows, columns, profiles


def _has_order(kind: str) -> bool:
    return not kind.startswith(_WITHOUT_ORDER) and not kind.endswith("]")


def _of_columns(connection: Any, function: str, source: str, names: Collection[str]) -> dict[str, Any]:
    """By column, without nulls. One function at a time, because DuckDB finds the number, the least and the greatest of the
    values in the statistics of Parquet if nothing else is asked."""
    if not names:
        return {}
    selected = ", ".join(f"{function}({quoted(name)})" for name in names)
    values = connection.execute(f"SELECT {selected} FROM {source}").fetchone()
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _frequent(
    connection: Any, source: str, types: Mapping[str, str]
) -> dict[str, tuple[tuple[Any, int], ...]]:
    return {
        name: tuple(
            (shown(value), count)
            for value, count in connection.execute(
                f"SELECT {quoted(name)}, count(*) FROM {source} WHERE {quoted(name)} IS NOT NULL GROUP BY 1 "
                f"HAVING count(*) >= {_MIN_FREQUENT} ORDER BY 2 DESC, 1 LIMIT {FREQUENT}"
            ).fetchall()
        )
        for name in types
    }
