"""Rows of another database on their way into Parquet: a line of JSON for each, a list of texts and nulls. The types of the
columns are known when all rows are there, so that none is recognised, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.json_values import INTEGERS, storable_text
from engines.tables import TYPES, TableError
from engines.tables.types_of_text import MAX_SCALE, literal, quoted

TYPED = "rows"
# DuckDB reads no longer line.
MAX_ROW_BYTES = 8 << 20
# Before the decimal places of the type `decimal`.
_WHOLE_DIGITS = 32
_NUMBERS = {"integer", "decimal", "number"}


class TypedRows:
    """Writes rows, and learns the types of their columns. `declared` are the types of columns without any value."""

    def __init__(self, names: Sequence[str], declared: Sequence[str]) -> None:
        self.names, self._declared = list(names), declared
        self._kinds: list[set[str]] = [set() for _ in names]

    def lines(self, rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
        """Raises TableError."""
        for number, row in enumerate(rows, 1):
            texts = [self._text(place, value) for place, value in enumerate(row)]
            line = json.dumps(texts, ensure_ascii=False).encode() + b"\n"
            if len(line) > MAX_ROW_BYTES:
                raise TableError("database_too_much", most=f"{MAX_ROW_BYTES >> 20} MB in row {number:,}")
            yield line

    def types(self) -> dict[str, str]:
        """By column, in their order."""
        each = zip(self.names, self._kinds, self._declared, strict=True)
        return {name: _type_of(kinds) or declared for name, kinds, declared in each}

    def warnings(self) -> list[str]:
        each = zip(self.names, self._kinds, self.types().values(), strict=True)
        return [
            f"'{name}' is {kind}, because it has values that are {' and '.join(sorted(kinds))}."
            for name, kinds, kind in each
            if len(kinds) > 1 and not kinds <= {"integer", "decimal"}
        ]

    def _text(self, place: int, value: Any) -> str | None:
        if value is None:
            return None
        kind, text = _KINDS.get(type(value), _of_other)(value)
        self._kinds[place].add(kind)
        return text


def typed_rows(path: Path, types: Mapping[str, str]) -> str:
    """A SELECT of the rows with their types."""
    selected = ", ".join(
        f"CAST(json[{place}] AS {TYPES[kind]}) AS {quoted(name)}"
        for place, (name, kind) in enumerate(types.items(), 1)
    )
    source = (
        f"read_json({literal(path)}, format='newline_delimited', records=false, "
        "columns={json: 'VARCHAR[]'})"
    )
    return f"SELECT {selected} FROM {source}"


def _type_of(kinds: set[str]) -> str:
    """The narrowest that holds values of all the kinds; "" if there is no value."""
    if len(kinds) <= 1:
        return next(iter(kinds), "")
    if kinds <= _NUMBERS:
        return "decimal" if "number" not in kinds else "number"
    return "timestamp" if kinds == {"date", "timestamp"} else "text"


def _of_integer(value: int) -> tuple[str, str]:
    return ("integer" if -INTEGERS <= value < INTEGERS else _kind_of(Decimal(value))), str(value)


def _of_timestamp(value: datetime) -> tuple[str, str]:
    """In UTC, if it has a time zone."""
    naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return "timestamp", naive.isoformat(" ")


def _kind_of(value: Decimal) -> str:
    """One with more digits than the type `decimal` has is a floating point number. Zeros at the end are none."""
    if not value.is_finite():
        return "number"
    places = len(format(value, "f").partition(".")[2].rstrip("0"))
    return "decimal" if places <= MAX_SCALE and value.adjusted() < _WHOLE_DIGITS else "number"


def _of_other(value: Any) -> tuple[str, str]:
    if isinstance(value, bytes | bytearray | memoryview):
        return "text", bytes(value).hex()
    if isinstance(value, dict | list):
        return "text", storable_text(json.dumps(value, ensure_ascii=False, default=str))
    return "text", storable_text(str(value))


_KINDS: Mapping[type, Callable[[Any], tuple[str, str]]] = {
    bool: lambda value: ("boolean", str(value).lower()),
    int: _of_integer,
    float: lambda value: ("number", repr(value)),
    Decimal: lambda value: (_kind_of(value), format(value, "f")),
    datetime: _of_timestamp,
    date: lambda value: ("date", value.isoformat()),
    time: lambda value: ("text" if value.tzinfo else "time", value.isoformat()),
}
