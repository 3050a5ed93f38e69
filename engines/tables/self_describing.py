"""Files whose columns have types of their own: JSON, JSON lines and Parquet."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from engines.tables import CellError, Column, ReadOptions, TableError
from engines.tables.column_names import SHOWN_CELLS, cell_errors, check_names
from engines.tables.delimited import as_utf8, unreadable
from engines.tables.profiles import type_name
from engines.tables.types_of_text import DATE_FORMATS, MAX_SCALE, TextColumn, fits, literal, quoted, value_of

_JSON = {"json": "auto", "jsonl": "newline_delimited"}
_MONEY = f"DECIMAL(18,{MAX_SCALE})"
# What Parquet does not keep as it is, and how it is kept: whole numbers of more than 64 bits exactly, and values of several
# types as texts.
_KEPT = {
    "HUGEINT": "CAST({c} AS DECIMAL(38,0))",
    "UHUGEINT": "CAST({c} AS DECIMAL(38,0))",
    "JSON": "{c} ->> '$'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`raw` is an expression for FROM, `types` are DuckDB's by column. `chosen` are the columns whose type people chose."""

    kind: str
    raw: str
    types: dict[str, str]
    chosen: dict[str, TextColumn]
    date_format: str

    def columns(self, connection: Any) -> tuple[Column, ...]:
        described = connection.execute(f"DESCRIBE SELECT {self.selected} FROM {self.raw}").fetchall()
        return tuple(Column(name=str(name), type=type_name(str(kind))) for name, kind, *_ in described)

    @property
    def selected(self) -> str:
        return ", ".join(f"{self._value(name)} AS {quoted(name)}" for name in self.types)

    def wrong(self, name: str) -> str:
        """A condition: the value has not the type that was chosen, or something of it would be lost."""
        column, kind, chosen = quoted(name), self.types[name], self.chosen[name]
        if kind == "VARCHAR":
            return f"NOT ({fits(chosen, '.', self.date_format)})"
        back = f"TRY_CAST(TRY_CAST({column} AS {chosen.sql_type}) AS {kind})"
        return "false" if chosen.type == "text" else f"{back} IS DISTINCT FROM {column}"

    def _value(self, name: str) -> str:
        if not (chosen := self.chosen.get(name)):
            return _KEPT.get(self.types[name], "{c}").format(c=quoted(name))
        if self.types[name] == "VARCHAR" and chosen.type != "text":
            return value_of(chosen, ".", self.date_format)
        return f"TRY_CAST({quoted(name)} AS {chosen.sql_type})"


def source(connection: Any, path: Path, options: ReadOptions, scratch: Path) -> Source:
    """Raises TableError."""
    kind = options.format
    if kind in _JSON:
        path = _without_mark(as_utf8(path, options.encoding, scratch)[0], scratch)
        _check_end(path, kind)
        raw = f"read_json({literal(path)}, format={literal(_JSON[kind])}, sample_size=-1)"
    else:
        raw = f"read_parquet({literal(path)})"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {raw}").fetchall()
        types = {str(name): str(sql_type) for name, sql_type, *_ in described}
        check_names(kind, list(types))
        chosen = {
            name: TextColumn(name=name, type=type_, scale=MAX_SCALE, is_chosen=True)
            for name, type_ in options.types.items()
            if name in types
        }
        found = Source(
            kind=kind, raw=raw, types=types, chosen=chosen, date_format=options.date_format or DATE_FORMATS[0]
        )
        return _with_money(connection, found) if kind in _JSON else found
    except duckdb.Error as error:
        raise unreadable(kind.upper(), error) from error


def copy(connection: Any, source: Source, written: str) -> None:
    """`written` is what follows COPY (…). Raises TableError, with the cells that cannot be read."""
    by_people = [name for name, column in source.chosen.items() if column.is_chosen]
    try:
        errors = [error for name in by_people for error in _wrong_cells(connection, source, name)]
    except duckdb.Error as error:
        raise unreadable(source.kind.upper(), error) from error
    if errors:
        raise cell_errors(sorted(errors, key=lambda error: error.row)[:SHOWN_CELLS])
    copy_rows(connection, f"SELECT {source.selected} FROM {source.raw}", written, source.kind)


def copy_rows(connection: Any, select: str, written: str, kind: str) -> None:
    """Raises TableError."""
    try:
        connection.execute(f"COPY ({select}) {written}")
    except duckdb.Error as error:
        raise unreadable(kind.upper(), error) from error


def _wrong_cells(connection: Any, source: Source, name: str) -> list[CellError]:
    rows = connection.execute(
        f"SELECT number, value FROM (SELECT row_number() OVER () AS number, CAST({quoted(name)} AS VARCHAR) AS value, "
        f"{source.wrong(name)} AS is_wrong FROM {source.raw}) WHERE value IS NOT NULL AND is_wrong LIMIT {SHOWN_CELLS}"
    ).fetchall()
    reason = f"this is no {source.chosen[name].type}"
    return [
        CellError(row=number, column=name, value=str(value)[:100], reason=reason) for number, value in rows
    ]


def _with_money(connection: Any, source: Source) -> Source:
    """JSON has one kind of numbers. Those of up to six decimal places are added up exactly."""
    numbers = [name for name, kind in source.types.items() if kind == "DOUBLE" and name not in source.chosen]
    if not numbers:
        return source
    exact = ", ".join(
        f"bool_and({c} IS NULL OR coalesce(CAST(TRY_CAST({c} AS {_MONEY}) AS DOUBLE) = {c}, false))"
        for c in map(quoted, numbers)
    )
    found = connection.execute(f"SELECT {exact} FROM {source.raw}").fetchone()
    money = {
        name: TextColumn(name=name, type="decimal", scale=MAX_SCALE)
        for name, is_exact in zip(numbers, found, strict=True)
        if is_exact
    }
    return replace(source, chosen={**source.chosen, **money})


def _without_mark(path: Path, scratch: Path) -> Path:
    """DuckDB takes the mark at the beginning of a JSON file for a value."""
    with path.open("rb") as file:
        if file.read(3) != codecs.BOM_UTF8:
            return path
    return as_utf8(path, "utf-8-sig", scratch, keeps_mark=False)[0]


def _check_end(path: Path, kind: str) -> None:
    """DuckDB reads the beginning of an array that was cut off. Raises TableError."""
    with path.open("rb") as file:
        begins = file.read(1 << 10).lstrip()[:1]
        file.seek(max(0, path.stat().st_size - (1 << 10)))
        ends = file.read().rstrip()[-1:]
    if kind == "json" and begins == b"[" and ends != b"]":
        raise TableError("table_unreadable", format="JSON", reason="its end is missing")
