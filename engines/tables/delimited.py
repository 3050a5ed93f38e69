"""Delimited text, as DuckDB reads it."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from engines.parsing.texts.encoding import guess
from engines.tables import ReadOptions, TableError
from engines.tables.column_names import check_names, column_names
from engines.tables.types_of_text import (
    DATE_FORMATS,
    FIRST_DAY,
    MIN_SCALE,
    TextColumn,
    column_types,
    fits,
    literal,
    quoted,
    value_of,
)

DECODED, LINES = "utf8", "lines"
SAMPLE_ROWS = 10_000
MAX_LINE_BYTES = 2 << 20
_REJECTS = "store_rejects=true, rejects_limit=10000"
_DELIMITERS, _MANY_COLUMNS = ",;|\t", 3_000
_SAMPLE = "sampled_rows"
_PIECE_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 18
# To write their values as texts takes longer than to look at the texts.
_SLOWLY_WRITTEN = ("number", "boolean")


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedText:
    """A file in UTF-8, with options that are all known. `left_out` are rows of the original that are not in it."""

    path: Path
    options: ReadOptions
    columns: tuple[TextColumn, ...]
    left_out: Collection[int] = ()

    @property
    def source(self) -> str:
        """The rows as an expression for FROM. Dates are read, all others are texts, which `selected` converts."""
        types = {c.name: "DATE" if c.type == "date" else "VARCHAR" for c in self.columns}
        return _read_csv(self.path, self.options, types, _REJECTS)

    @property
    def texts(self) -> str:
        """The rows as they are written in the file."""
        return _as_texts(self.path, self.options, [c.name for c in self.columns], _REJECTS)

    @property
    def selected(self) -> str:
        return ", ".join(self._expression(column) for column in self.columns)

    @property
    def wrong(self) -> str:
        """For each column, its text if it does not fit the type, else null."""
        return ", ".join(
            "NULL"
            if column.type == "text"
            else f"CASE WHEN NOT ({self.fits(column)}) THEN {quoted(column.name)} END"
            for column in self.columns
        )

    def fits(self, column: TextColumn) -> str:
        return fits(column, self.options.decimal_separator, self.options.date_format)

    def with_types(self, types: Mapping[str, str], *, are_chosen: bool = False) -> DelimitedText:
        changed = (
            replace(c, type=types[c.name], scale=c.scale or MIN_SCALE, is_chosen=are_chosen)
            if c.name in types
            else c
            for c in self.columns
        )
        return replace(self, columns=tuple(changed))

    def _expression(self, column: TextColumn) -> str:
        """A value that does not fit its type is an error, because something of it would be lost. A text that is written as
        DuckDB writes the value needs no further look, which costs more."""
        name = quoted(column.name)
        if column.type == "text":
            return name
        value = value_of(column, self.options.decimal_separator, self.options.date_format)
        is_right = self.fits(column)
        if column.type == "date":
            value, is_right = name, f"{name} >= DATE {literal(FIRST_DAY)}"
        elif column.type not in _SLOWLY_WRITTEN:
            is_right = f"CAST({value} AS VARCHAR) = {name} OR {is_right}"
        error = f"CAST(error({literal(column.name)}) AS {column.sql_type})"
        return f"CASE WHEN {is_right} THEN {value} WHEN {name} IS NULL THEN NULL ELSE {error} END AS {name}"


def as_utf8(path: Path, encoding: str, scratch: Path, *, keeps_mark: bool = True) -> tuple[Path, str]:
    """The file, or a copy of it in UTF-8, and its encoding. Raises TableError."""
    with path.open("rb") as file:
        encoding = encoding or guess(_whole_characters(file.read(_SAMPLE_BYTES)))
    try:
        if keeps_mark and codecs.lookup(encoding).name in ("utf-8", "ascii", "utf-8-sig"):
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
    _check_width(path, options)
    options = _with_dialect(connection, path, options)
    names = _names(path, options)
    try:
        separators = [options.decimal_separator] if options.decimal_separator else _separators(options)
        formats = [options.date_format] if options.date_format else DATE_FORMATS
        rows = _as_texts(path, options, names, "ignore_errors=true")
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_SAMPLE} AS SELECT * FROM {rows} LIMIT {SAMPLE_ROWS}"
        )
        found = [column_types(connection, _SAMPLE, names, mark, formats) for mark in separators]
        connection.execute(f"DROP TABLE {_SAMPLE}")
    except duckdb.Error as error:
        raise unreadable("text", error) from error
    best = max(found, key=lambda one: one.fit)
    date_format = options.date_format or best.date_format
    if "date" in options.types.values():
        date_format = date_format or DATE_FORMATS[0]
    options = replace(options, decimal_separator=best.separator, date_format=date_format)
    recognised = DelimitedText(path=path, options=options, columns=best.columns)
    chosen = {name: kind for name, kind in options.types.items() if name in names}
    return recognised.with_types(chosen, are_chosen=True)


def with_line_feeds(path: Path, scratch: Path) -> Path | None:
    """A copy in which all lines end alike, if some of them end with CR LF and others with LF: DuckDB reads no such file."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    if sample.count(b"\r\n") in (0, sample.count(b"\n")):
        return None
    target = scratch / LINES
    keep = partial(open, encoding="utf-8", errors="surrogateescape")
    with keep(path) as text, keep(target, "w") as copy:
        copy.writelines(text)
    return target


def unreadable(kind: str, error: Exception) -> TableError:
    """What DuckDB says, without its hints, which name its options, and without the path of the file."""
    first = str(error).split("\n")[0].removeprefix("Invalid Input Error: ")
    first = re.sub(r"""(file )?["']/[^"']*["']""", "the file", first)
    if first.startswith("Error when sniffing"):
        first = "no delimiter and quotation mark fit its rows"
    return TableError("table_unreadable", format=kind, reason=first[:300].rstrip("."))


def _separators(options: ReadOptions) -> list[str]:
    """A file whose cells a comma separates has no comma in its numbers."""
    return ["."] if options.delimiter == "," else [".", ","]


def _whole_characters(sample: bytes) -> bytes:
    """Without the last line, in which a character may be cut."""
    end = sample.rfind(b"\n")
    return sample[: end + 1] if end > 0 and len(sample) == _SAMPLE_BYTES else sample


def _with_dialect(connection: Any, path: Path, options: ReadOptions) -> ReadOptions:
    if options.delimiter and options.quote is not None and options.has_header is not None:
        return options
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


def _check_width(path: Path, options: ReadOptions) -> None:
    """Recognising very many columns takes more memory than there is. Raises TableError."""
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline(_SAMPLE_BYTES)
    width = 1 + max(first.count(mark) for mark in options.delimiter or _DELIMITERS)
    if width > _MANY_COLUMNS:
        check_names("CSV", [""] * width)


def _dialect_arguments(options: ReadOptions) -> str:
    given = {
        "delim": literal(options.delimiter) if options.delimiter else "",
        "quote": "" if options.quote is None else literal(options.quote),
        "header": "" if options.has_header is None else str(options.has_header).lower(),
    }
    return "".join(f", {name}={value}" for name, value in given.items() if value)


def _names(path: Path, options: ReadOptions) -> list[str]:
    """Raises TableError."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        quote: dict[str, Any] = {"quotechar": options.quote} if options.quote else {"quoting": csv.QUOTE_NONE}
        try:
            rows = csv.reader(file, delimiter=options.delimiter, **quote)
            first: list[str] = next((row for row in rows if row), [])
        except (csv.Error, TypeError) as error:
            raise TableError("table_unreadable", format="text", reason=f"its first row: {error}") from error
    if not first:
        raise TableError("table_empty")
    names = column_names(first if options.has_header else [""] * len(first))
    check_names("CSV", names)
    return names


def _as_texts(path: Path, options: ReadOptions, names: Sequence[str], more: str) -> str:
    return _read_csv(path, options, dict.fromkeys(names, "VARCHAR"), more)


def _read_csv(path: Path, options: ReadOptions, types: Mapping[str, str], more: str) -> str:
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    formats = f", dateformat={literal(options.date_format)}" if options.date_format else ""
    escape = f", escape={literal(options.quote)}" if options.quote else ""
    return (
        f"read_csv({literal(path)}, delim={literal(options.delimiter)}, quote={literal(options.quote or '')}{escape}, "
        f"header={str(bool(options.has_header)).lower()}, max_line_size={MAX_LINE_BYTES}, "
        f"columns={{{columns}}}, auto_detect=false{formats}, {more})"
    )
