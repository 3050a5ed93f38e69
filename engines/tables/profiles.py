"""What is known of each column of a Parquet file: one pass over all rows, and the most frequent values of the first ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    parts = [part for name, kind in described.items() for part in _aggregates(quoted(name), kind)]
    rows, *figures = connection.execute(f"SELECT count(*), {', '.join(parts)} FROM {source}").fetchone()
    frequent = _frequent(connection, source, described)
    profiles, columns = [], []
    for number, (name, kind) in enumerate(described.items()):
        filled, distinct, least, greatest, example = figures[5 * number : 5 * number + 5]
        profiles.append(
            ColumnProfile(
                name=name,
                nulls=rows - filled,
                distinct=min(distinct, filled),
                least=shown(least),
                greatest=shown(greatest),
                frequent=frequent[name],
            )
        )
        columns.append(
            Column(name=name, type=type_name(kind), nullable=filled < rows, example=shown(example))
        )
    return rows, tuple(columns), tuple(profiles)


def _aggregates(name: str, kind: str) -> Sequence[str]:
    order = (
        "NULL, NULL" if kind.startswith(_WITHOUT_ORDER) or kind.endswith("]") else f"min({name}), max({name})"
    )
    return f"count({name})", f"approx_count_distinct({name})", order, f"any_value({name})"


def _frequent(
    connection: Any, source: str, types: Mapping[str, str]
) -> dict[str, tuple[tuple[Any, int], ...]]:
    return {
        name: tuple(
            (shown(value), count)
            for value, count in connection.execute(
                f"SELECT {quoted(name)}, count(*) FROM (SELECT {quoted(name)} FROM {source} LIMIT {PROFILED_ROWS}) "
                f"WHERE {quoted(name)} IS NOT NULL GROUP BY 1 HAVING count(*) >= {_MIN_FREQUENT} "
                f"ORDER BY 2 DESC, 1 LIMIT {FREQUENT}"
            ).fetchall()
        )
        for name in types
    }
