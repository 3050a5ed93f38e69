"""Files of rows into Parquet, in the process with limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import duckdb

from engines.tables import CellError, Column, Loaded, ReadOptions, Recognised, TableError, workbooks
from engines.tables.delimited import DECODED, DelimitedText, as_utf8, recognise, unreadable
from engines.tables.json_cells import shown
from engines.tables.profiles import profile, type_name
from engines.tables.typed_rows import TYPED, typed_rows
from engines.tables.types_of_text import MAX_SCALE, TextColumn, decimal_pattern, literal, quoted

SHEET = "sheet.csv"
MAX_COLUMNS, MAX_NAME, SHOWN_ROWS, SHOWN_CELLS = 300, 255, 20, 100
__all__ = ["DECODED", "SHEET", "load", "recognised"]
_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".ods": "ods",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_PARQUET = "(FORMAT parquet, USE_TMP_FILE false)"


def recognised(connection: Any, path: Path, filename: str, options: ReadOptions, scratch: Path) -> Recognised:
    """Raises TableError."""
    kind = file_format(path, filename, options)
    sheets: tuple[str, ...] = ()
    if kind in ("csv", "xlsx", "ods"):
        sheets = tuple(workbooks.sheet_names(path, kind)) if kind != "csv" else ()
        text, found = _text(connection, path, kind, options, scratch)
        source = f"SELECT * FROM {text.shown}"
        columns = tuple(Column(name=one.name, type=one.type) for one in text.columns)
    else:
        source, columns = _self_describing(connection, path, kind, options)
        found = replace(options, format=kind)
    try:
        rows = connection.execute(f"{source} LIMIT {SHOWN_ROWS}").fetchall()
    except duckdb.Error as error:
        raise unreadable(kind.upper(), error) from error
    first = tuple(tuple(map(shown, row)) for row in rows)
    return Recognised(options=found, columns=columns, rows=first, sheets=sheets)


def load(connection: Any, path: Path, options: ReadOptions, target: Path, scratch: Path) -> Loaded:
    """Write all rows as Parquet. `options` name the format. Raises TableError, with the cells that cannot be read."""
    kind = options.format
    if kind == TYPED:
        _check_names(kind, list(options.types))
        _copy(connection, typed_rows(path, options.types), target, kind, {})
        return _profiled(connection, target, ())
    if kind in ("csv", "xlsx", "ods"):
        text, _ = _text(connection, path, kind, options, scratch)
        warnings = _load_text(connection, text, options.types, target)
    else:
        source, _ = _self_describing(connection, path, kind, options)
        _copy(connection, source, target, kind, options.types)
        warnings = ()
    return _profiled(connection, target, warnings)


def _profiled(connection: Any, target: Path, warnings: tuple[str, ...]) -> Loaded:
    rows, columns, profiles = profile(connection, target)
    return Loaded(rows=rows, columns=columns, profile=profiles, warnings=warnings)


def file_format(path: Path, filename: str, options: ReadOptions) -> str:
    """Raises TableError."""
    kind = options.format or _BY_SUFFIX.get(PurePath(filename).suffix.lower(), "")
    if not kind:
        raise TableError("table_unsupported", name=filename)
    if path.stat().st_size == 0:
        raise TableError("table_empty")
    return kind


def _text(
    connection: Any, path: Path, kind: str, options: ReadOptions, scratch: Path
) -> tuple[DelimitedText, ReadOptions]:
    """The rows as delimited text, and how the file itself is read."""
    if kind == "csv":
        copy, encoding = as_utf8(path, options.encoding, scratch)
        text = recognise(connection, copy, replace(options, format=kind, encoding=encoding))
        found = text.options
    else:
        copy = scratch / SHEET
        sheet, texts = workbooks.as_csv(path, kind, options, copy)
        dialect = replace(options, **workbooks.OPTIONS, has_header=True, types={**texts, **options.types})
        text = recognise(connection, copy, dialect)
        found = replace(options, format=kind, sheet=sheet, has_header=options.has_header is not False)
    if not text.columns:
        raise TableError("table_empty")
    _check_names(kind, [column.name for column in text.columns])
    return text, found


def _check_names(kind: str, names: Sequence[str]) -> None:
    """Raises TableError."""
    reason = ""
    if len(names) > MAX_COLUMNS:
        reason = f"it has {len(names):,} columns, and at most {MAX_COLUMNS} are kept"
    elif too_long := [name for name in names if len(name) > MAX_NAME]:
        reason = f"the name of a column has more than {MAX_NAME} characters: '{too_long[0][:50]}…'"
    if reason:
        raise TableError("table_unreadable", format=kind.upper(), reason=reason)


def _load_text(
    connection: Any, text: DelimitedText, fixed: Mapping[str, str], target: Path
) -> tuple[str, ...]:
    """A column whose type was recognised by the first rows becomes text if a later one does not fit, with a warning. Raises
    TableError for one whose type was chosen."""
    warnings: list[str] = []
    while True:
        errors = _copy_text(connection, text, target)
        if not errors:
            return tuple(warnings)
        wrong = {error.column for error in errors}
        if "" in wrong or wrong & fixed.keys():
            raise _cells(errors)
        types = {c.name: c.type for c in text.columns}
        for error in {error.column: error for error in reversed(errors)}.values():
            kind = "number" if types[error.column] == "decimal" and _is_number(error.value) else "text"
            warnings.append(f"'{error.column}' is {kind}, because of row {error.row}: '{error.value}'.")
            text = text.with_types({error.column: kind})


def _copy_text(connection: Any, text: DelimitedText, target: Path) -> list[CellError]:
    """The cells and rows that cannot be read."""
    _forget_rejected(connection)
    try:
        connection.execute(
            f"COPY (SELECT {text.selected} FROM {text.source}) TO {literal(target)} {_PARQUET}"
        )
        return _rejected(connection)
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        if errors := _wrong_decimals(connection, text):
            return errors
        raise unreadable("text", error) from error
    except duckdb.Error as error:
        raise unreadable("text", error) from error


def _forget_rejected(connection: Any) -> None:
    connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")


def _rejected(connection: Any) -> list[CellError]:
    """What the last scans have left out."""
    rows = connection.execute(
        "SELECT DISTINCT line, column_idx, column_name, error_type, csv_line, error_message FROM reject_errors "
        f"ORDER BY line, column_idx LIMIT {SHOWN_CELLS}"
    ).fetchall()
    return [
        CellError(
            row=row,
            column=str(column) if kind == "CAST" else "",
            value=_value(str(line), str(message)),
            reason=str(message).split("\n")[0][:300],
        )
        for row, _, column, kind, line, message in rows
    ]


def _wrong_decimals(connection: Any, text: DelimitedText) -> list[CellError]:
    """Of the columns with decimal numbers, the first values that are none, or that have too many places; and the rows that
    cannot be read."""
    _forget_rejected(connection)
    found, rejected = list[CellError](), list[CellError]()
    header = 1 if text.options.has_header else 0
    for column in (one for one in text.columns if one.type == "decimal"):
        pattern = literal(decimal_pattern(text.options.decimal_separator, column.scale))
        rows = connection.execute(
            f"SELECT number, value FROM (SELECT row_number() OVER () AS number, {quoted(column.name)} AS value "
            f"FROM {text.source}) WHERE NOT regexp_full_match(value, {pattern}) LIMIT {SHOWN_CELLS}"
        ).fetchall()
        rejected = _rejected(connection)
        reason = f"this is no number with at most {column.scale} decimal places"
        found += [
            CellError(
                row=_line(number + header, rejected),
                column=column.name,
                value=str(value)[:100],
                reason=reason,
            )
            for number, value in rows
        ]
    return sorted([*found, *rejected], key=lambda error: error.row)[:SHOWN_CELLS]


def _line(row: int, rejected: Sequence[CellError]) -> int:
    """The row in the file of one that was counted without those that are left out."""
    for line in sorted({error.row for error in rejected}):
        row += line <= row
    return row


def _value(line: str, message: str) -> str:
    """DuckDB quotes the cell in its message; a row that is wrong is shown itself."""
    found = re.search(r'Could not convert string "(.*?)" to', message, re.DOTALL)
    return (found[1] if found else line)[:100]


def _is_number(value: str) -> bool:
    try:
        float(value.replace(",", "."))
    except ValueError:
        return False
    return True


def _cells(errors: list[CellError]) -> TableError:
    first = errors[0]
    where = f"'{first.column}' is '{first.value}'" if first.column else first.reason
    count = f"{len(errors)}{' or more' if len(errors) >= SHOWN_CELLS else ''}"
    return TableError("table_cells", cells=errors, count=count, row=first.row, reason=where)


def _self_describing(
    connection: Any, path: Path, kind: str, options: ReadOptions
) -> tuple[str, tuple[Column, ...]]:
    """A SELECT of the rows, with the types that were chosen, and the columns."""
    formats = {"json": "auto", "jsonl": "newline_delimited"}
    arguments = f", format={literal(formats[kind])}, sample_size=-1" if kind in formats else ""
    source = f"{'read_json' if kind in formats else 'read_parquet'}({literal(path)}{arguments})"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    except duckdb.Error as error:
        raise unreadable(kind.upper(), error) from error
    _check_names(kind, [str(row[0]) for row in described])
    columns = []
    for name, sql_type, *_ in described:
        chosen = options.types.get(name)
        columns.append(
            (TextColumn(name=name, type=chosen, scale=MAX_SCALE) if chosen else None, name, sql_type)
        )
    selected = ", ".join(
        f"CAST({quoted(name)} AS {chosen.sql_type}) AS {quoted(name)}" if chosen else quoted(name)
        for chosen, name, _ in columns
    )
    return f"SELECT {selected} FROM {source}", tuple(
        Column(name=name, type=chosen.type if chosen else type_name(sql_type))
        for chosen, name, sql_type in columns
    )


def _copy(connection: Any, source: str, target: Path, kind: str, types: Mapping[str, str]) -> None:
    try:
        connection.execute(f"COPY ({source}) TO {literal(target)} {_PARQUET}")
    except duckdb.ConversionException as error:
        if errors := _wrong_values(connection, source, types):
            raise _cells(errors) from error
        raise unreadable(kind.upper(), error) from error
    except duckdb.Error as error:
        raise unreadable(kind.upper(), error) from error


def _wrong_values(connection: Any, source: str, types: Mapping[str, str]) -> list[CellError]:
    """The first values that are not of the type that was chosen for their column."""
    _, _, origin = source.partition(" FROM ")
    found = []
    for name, kind in types.items():
        sql_type = TextColumn(name=name, type=kind, scale=MAX_SCALE).sql_type
        rows = connection.execute(
            f"SELECT number, value FROM (SELECT row_number() OVER () AS number, {quoted(name)} AS value FROM {origin}) "
            f"WHERE value IS NOT NULL AND TRY_CAST(value AS {sql_type}) IS NULL LIMIT {SHOWN_CELLS}"
        ).fetchall()
        found += [
            CellError(row=number, column=name, value=str(value)[:100], reason=f"this is no {kind}")
            for number, value in rows
        ]
    return sorted(found, key=lambda error: error.row)[:SHOWN_CELLS]
