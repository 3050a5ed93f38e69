"""Files of rows into Parquet, in the process with limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import duckdb

from engines.tables import (
    CellError,
    Column,
    Loaded,
    ReadOptions,
    Recognised,
    TableError,
    self_describing,
    workbooks,
)
from engines.tables.column_names import SHOWN_CELLS, cell_errors, check_names
from engines.tables.delimited import (
    DECODED,
    LINES,
    DelimitedText,
    as_utf8,
    recognise,
    unreadable,
    with_line_feeds,
)
from engines.tables.json_cells import shown
from engines.tables.profiles import profile
from engines.tables.typed_rows import TYPED, typed_rows
from engines.tables.types_of_text import MIN_SCALE, TextColumn, literal, quoted

SHEET = "sheet.csv"
SHOWN_ROWS = 20
__all__ = ["DECODED", "LINES", "SHEET", "load", "recognised"]
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
# To which types a value that does not fit the one of its column may belong.
_WIDER = {"integer": ("decimal", "number"), "decimal": ("number",)}
_PARQUET = "(FORMAT parquet, USE_TMP_FILE false)"


def recognised(connection: Any, path: Path, filename: str, options: ReadOptions, scratch: Path) -> Recognised:
    """Raises TableError."""
    kind = file_format(path, filename, options)
    sheets: tuple[str, ...] = ()
    if kind in ("csv", "xlsx", "ods"):
        sheets = tuple(workbooks.sheet_names(path, kind)) if kind != "csv" else ()
        text, found = _text(connection, path, kind, options, scratch)
        source = f"SELECT * FROM {text.texts}"
        columns = tuple(Column(name=one.name, type=one.type) for one in text.columns)
    else:
        found = replace(options, format=kind)
        typed = self_describing.source(connection, path, found, scratch)
        source, columns = f"SELECT * FROM {typed.raw}", typed.columns(connection)
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
        check_names(kind, list(options.types))
        select = typed_rows(path, options.types)
        self_describing.copy_rows(connection, select, f"TO {literal(target)} {_PARQUET}", kind)
        return _profiled(connection, target, ())
    if kind in ("csv", "xlsx", "ods"):
        text, _ = _text(connection, path, kind, options, scratch)
        warnings = _load_text(connection, text, options.types, target)
    else:
        source = self_describing.source(connection, path, options, scratch)
        self_describing.copy(connection, source, f"TO {literal(target)} {_PARQUET}")
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
        options = replace(options, format=kind, encoding=encoding)
        copy = with_line_feeds(copy, scratch) or copy
        text = recognise(connection, copy, options)
        found = text.options
    else:
        copy = scratch / SHEET
        sheet = workbooks.as_csv(path, kind, options, copy)
        has_header, types = options.has_header is not False, {**sheet.texts, **options.types}
        dialect = replace(options, **workbooks.OPTIONS, has_header=has_header, types=types)
        text = replace(recognise(connection, copy, dialect), left_out=sheet.blank)
        found = replace(options, format=kind, sheet=sheet.sheet, has_header=has_header)
    return text, found


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
            raise cell_errors(errors)
        columns = {c.name: c for c in text.columns}
        for error in {error.column: error for error in reversed(errors)}.values():
            kind = _wider(connection, text, columns[error.column], error.value)
            warnings.append(f"'{error.column}' is {kind}, because of row {error.row}: '{error.value}'.")
            text = text.with_types({error.column: kind})


def _wider(connection: Any, text: DelimitedText, column: TextColumn, value: str) -> str:
    """The next type to which a value of another one belongs, too."""
    for kind in _WIDER.get(column.type, ()):
        condition = text.fits(replace(column, type=kind, scale=column.scale or MIN_SCALE))
        if connection.execute(
            f"SELECT {condition} FROM (SELECT $1 AS {quoted(column.name)})", [value]
        ).fetchone()[0]:
            return kind
    return "text"


def _copy_text(connection: Any, text: DelimitedText, target: Path) -> list[CellError]:
    """The cells and rows that cannot be read."""
    _forget_rejected(connection)
    copy = f"COPY (SELECT {text.selected} FROM {text.source}) TO {literal(target)} {_PARQUET}"
    try:
        connection.execute(copy)
        return _wrong_cells(connection, text) if _rejected(connection) else []
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        if errors := _wrong_cells(connection, text):
            return errors
        raise unreadable("text", error) from error
    except duckdb.Error as error:
        raise unreadable("text", error) from error


def _forget_rejected(connection: Any) -> None:
    connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")


def _rejected(connection: Any) -> list[CellError]:
    """The rows that the last scan has left out."""
    rows = connection.execute(
        "SELECT line, any_value(csv_line), any_value(error_message) FROM reject_errors "
        f"GROUP BY line ORDER BY line LIMIT {SHOWN_CELLS}"
    ).fetchall()
    return [
        CellError(row=row, column="", value=str(line)[:100], reason=str(message).split("\n")[0][:300])
        for row, line, message in rows
    ]


def _wrong_cells(connection: Any, text: DelimitedText) -> list[CellError]:
    """The first cells that do not fit the types of their columns, and the rows that cannot be read."""
    _forget_rejected(connection)
    names = [column.name for column in text.columns]
    rows = connection.execute(
        f"SELECT number, cells FROM (SELECT row_number() OVER () AS number, [{text.wrong}]::VARCHAR[] AS cells "
        f"FROM {text.texts}) WHERE len(list_filter(cells, lambda cell: cell IS NOT NULL)) > 0 LIMIT {SHOWN_CELLS}"
    ).fetchall()
    rejected = _rejected(connection)
    header = 1 if text.options.has_header else 0
    left_out = {*text.left_out, *(error.row for error in rejected)}
    types = {column.name: column for column in text.columns}
    found = [
        CellError(
            row=_line(number + header, left_out),
            column=name,
            value=str(value)[:100],
            reason=_reason(types[name]),
        )
        for number, cells in rows
        for name, value in zip(names, cells, strict=True)
        if value is not None
    ]
    return sorted([*found, *rejected], key=lambda error: error.row)[:SHOWN_CELLS]


def _reason(column: TextColumn) -> str:
    if column.type == "decimal":
        return f"this is no number with at most {column.scale} decimal places"
    return f"this is no {column.type}"


def _line(row: int, left_out: Collection[int]) -> int:
    """The row in the file of one that was counted without those that are left out."""
    for line in sorted(left_out):
        row += line <= row
    return row
