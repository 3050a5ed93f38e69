"""Delimited text, as DuckDB reads it."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from engines.parsing.texts.encoding import guess
from engines.tables import ReadOptions, TableError
from engines.tables.types_of_text import DATE_FORMATS, TextColumn, column_types, literal, quoted

DECODED = "utf8"
SAMPLE_ROWS = 10_000
MAX_LINE_BYTES = 2 << 20
_PIECE_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedText:
    """A file in UTF-8, with options that are all known."""

    path: Path
    options: ReadOptions
    columns: tuple[TextColumn, ...]

    @property
    def source(self) -> str:
        """The rows as an expression for FROM. Decimal numbers are texts, which `selected` converts."""
        types = {c.name: "VARCHAR" if c.type == "decimal" else c.sql_type for c in self.columns}
        return _read_csv(self.path, self.options, types, "store_rejects=true, rejects_limit=10000")

    @property
    def shown(self) -> str:
        """The rows as they are written in the file."""
        return _as_texts(self.path, self.options)

    @property
    def selected(self) -> str:
        return ", ".join(self._expression(column) for column in self.columns)

    def with_types(self, types: Mapping[str, str]) -> DelimitedText:
        changed = (
            replace(c, type=types[c.name], scale=c.scale or 2) if c.name in types else c for c in self.columns
        )
        return replace(self, columns=tuple(changed))

    def _expression(self, column: TextColumn) -> str:
        """A decimal number with too many places is an error, because its end would be lost."""
        name = quoted(column.name)
        if column.type != "decimal":
            return name
        mark = literal(self.options.decimal_separator or ".")
        number = f"replace({name}, ',', '.')" if self.options.decimal_separator == "," else name
        places = f"length({name}) - instr({name}, {mark}) > {column.scale} AND contains({name}, {mark})"
        return (
            f"CASE WHEN {places} THEN CAST(error({literal(column.name)}) AS {column.sql_type}) "
            f"ELSE CAST({number} AS {column.sql_type}) END AS {name}"
        )


def as_utf8(path: Path, encoding: str, scratch: Path) -> tuple[Path, str]:
    """The file, or a copy of it in UTF-8, and its encoding. Raises TableError."""
    with path.open("rb") as file:
        encoding = encoding or guess(_whole_characters(file.read(_SAMPLE_BYTES)))
    try:
        if codecs.lookup(encoding).name in ("utf-8", "ascii", "utf-8-sig"):
            return path, "utf-8"
        target = scratch / DECODED
        with (
            path.open(encoding=encoding, newline="") as text,
            target.open("w", encoding="utf-8", newline="") as copy,
        ):
            while piece := text.read(_PIECE_BYTES):
                copy.write(piece)
    except (LookupError, UnicodeError) as error:
        raise TableError(
            "table_unreadable", format="text", reason=f"it is not encoded as '{encoding}'"
        ) from error
    return target, encoding


def recognise(connection: Any, path: Path, options: ReadOptions) -> DelimitedText:
    """Raises TableError."""
    options = _with_dialect(connection, path, options)
    try:
        names = _names(connection, path, options)
        separators = [options.decimal_separator] if options.decimal_separator else _separators(options)
        formats = [options.date_format] if options.date_format else DATE_FORMATS
        sample = f"(SELECT * FROM {_as_texts(path, options)} LIMIT {SAMPLE_ROWS})"
        found = [column_types(connection, sample, names, mark, formats) for mark in separators]
    except duckdb.Error as error:
        raise unreadable("text", error) from error
    best = max(found, key=lambda one: one.fit)
    options = replace(
        options, decimal_separator=best.separator, date_format=options.date_format or best.date_format
    )
    recognised = DelimitedText(path=path, options=options, columns=best.columns)
    return recognised.with_types({name: kind for name, kind in options.types.items() if name in names})


def unreadable(kind: str, error: Exception) -> TableError:
    """What DuckDB says, without its hints, which name its options."""
    first = str(error).split("\n")[0].removeprefix("Invalid Input Error: ")
    return TableError("table_unreadable", format=kind, reason=first[:300].rstrip("."))


def _separators(options: ReadOptions) -> list[str]:
    """A file whose cells a comma separates has no comma in its numbers."""
    return ["."] if options.delimiter == "," else [".", ","]


def _whole_characters(sample: bytes) -> bytes:
    """Without the last line, in which a character may be cut."""
    end = sample.rfind(b"\n")
    return sample[: end + 1] if end > 0 and len(sample) == _SAMPLE_BYTES else sample


def _with_dialect(connection: Any, path: Path, options: ReadOptions) -> ReadOptions:
    given = _dialect_arguments(options)
    try:
        delimiter, quote, has_header = connection.execute(
            f"SELECT Delimiter, Quote, HasHeader FROM sniff_csv({literal(path)}, sample_size={SAMPLE_ROWS}, "
            f"ignore_errors=true{given})"
        ).fetchone()
    except duckdb.Error as error:
        raise unreadable("text", error) from error
    return replace(
        options,
        delimiter=options.delimiter or delimiter,
        quote=(quote if quote != "(empty)" else '"') if options.quote is None else options.quote,
        has_header=has_header if options.has_header is None else options.has_header,
    )


def _dialect_arguments(options: ReadOptions) -> str:
    given = {
        "delim": literal(options.delimiter) if options.delimiter else "",
        "quote": "" if options.quote is None else literal(options.quote),
        "header": "" if options.has_header is None else str(options.has_header).lower(),
    }
    return "".join(f", {name}={value}" for name, value in given.items() if value)


def _names(connection: Any, path: Path, options: ReadOptions) -> list[str]:
    described = connection.execute(f"DESCRIBE SELECT * FROM {_as_texts(path, options)}").fetchall()
    return [str(row[0]) for row in described]


def _as_texts(path: Path, options: ReadOptions) -> str:
    return _csv_call(path, options, f"all_varchar=true, ignore_errors=true, sample_size={SAMPLE_ROWS}")


def _read_csv(path: Path, options: ReadOptions, types: Mapping[str, str], more: str) -> str:
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    formats = f", dateformat={literal(options.date_format)}" if options.date_format else ""
    return _csv_call(path, options, f"columns={{{columns}}}, auto_detect=false{formats}, {more}")


def _csv_call(path: Path, options: ReadOptions, more: str) -> str:
    escape = f", escape={literal(options.quote)}" if options.quote else ""
    separator = (
        f", decimal_separator={literal(options.decimal_separator)}" if options.decimal_separator else ""
    )
    return (
        f"read_csv({literal(path)}, delim={literal(options.delimiter)}, quote={literal(options.quote or '')}{escape}, "
        f"header={str(bool(options.has_header)).lower()}, max_line_size={MAX_LINE_BYTES}{separator}, {more})"
    )
