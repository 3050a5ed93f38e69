"""Tables: files of rows are read into Parquet, and queries over these files get exact answers.

Whatever reads a file or runs a query does so in a process with limits, in which nothing but the given files can be reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from core.errors import EngineError
from engines.singleton import Singleton

# The type of a column, as people choose it, and as DuckDB names it.
TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "decimal": "DECIMAL(38,6)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
}
# Of files of people; `typed_rows` has one more.
FORMATS = ("csv", "xlsx", "ods", "json", "jsonl", "parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellError:
    """`row` counts the rows of data from 1, without the header; `column` is "" if the whole row is wrong."""

    row: int
    column: str
    value: str
    reason: str


class TableError(EngineError):
    """A file cannot be read, or a query cannot be answered. `cells` are the first of those that cannot be read."""

    def __init__(self, code: str, detail: str = "", cells: Sequence[CellError] = (), **facts: object) -> None:
        super().__init__(code, detail, **facts)
        self.cells = tuple(cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLimits:
    """`seconds` are of the clock. A query returns at most so many rows and bytes of JSON; a file that is written has at most
    `file_mb`."""

    seconds: float = 30.0
    memory_mb: int = 512
    threads: int = 2
    rows: int = 10_000
    result_mb: int = 8
    file_mb: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a file is read. What is "" or None is recognised. `types` has names of `TYPES` by column."""

    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    quote: str | None = None
    decimal_separator: str = ""
    date_format: str = ""
    has_header: bool | None = None
    sheet: str = ""
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`type` is a name of `TYPES`, or DuckDB's own for what has none, such as a list."""

    name: str
    type: str
    nullable: bool = True
    example: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The options with everything that was recognised, the sheets of a workbook, the columns, and the first rows."""

    options: ReadOptions
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    sheets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """`distinct` is an estimate within some percent. `frequent` are pairs of value and number among the first
    `PROFILED_ROWS` rows."""

    name: str
    nulls: int
    distinct: int
    least: Any = None
    greatest: Any = None
    frequent: tuple[tuple[Any, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What became of a file: `rows` is exact."""

    rows: int
    columns: tuple[Column, ...]
    profile: tuple[ColumnProfile, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """Values of JSON; a decimal number that a float does not hold exactly is a text. `is_cut` if there are further rows.
    `tables` are those that were read."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool = False
    seconds: float = 0.0
    sql: str = ""
    tables: tuple[str, ...] = ()

    def as_dicts(self) -> list[dict[str, Any]]:
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


class Tables(Protocol):
    """All methods raise TableError. `tables` are the Parquet files that a query may read, by their names in it; `values`
    stand for `$name` in it."""

    def recognise(self, path: Path, filename: str, options: ReadOptions) -> Recognised: ...

    def load(
        self, path: Path, filename: str, options: ReadOptions, target: Path, limits: TableLimits
    ) -> Loaded: ...

    def query(
        self,
        sql: str,
        tables: Mapping[str, Path],
        limits: TableLimits,
        values: Mapping[str, Any] | None = None,
    ) -> QueryResult: ...

    def export(
        self, sql: str, tables: Mapping[str, Path], target: Path, format: str, limits: TableLimits
    ) -> None: ...


@Singleton
def get_tables() -> Tables:
    from engines.tables.duckdb_process import DuckDBTables

    return DuckDBTables()
