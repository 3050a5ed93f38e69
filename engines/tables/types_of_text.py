"""Which type the texts of a column have: all values of the sample are of it, and no text may lose anything by it. Numbers
with leading zeros, such as postal codes, stay texts; decimal numbers stay exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.batching import batched
from engines.tables import TYPES

_AT_ONCE, _FIRST_ROWS = 10, 100
_ALWAYS = ("values", "scale", "number")  # the numbers tell the decimal separator
MAX_SCALE, MIN_SCALE, MAX_WHOLE_DIGITS = 6, 2, 12
# Of several that fit, the first: 03/04 is the third of April.
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y%m%d")
# A year of two digits is read as one of these.
FIRST_DAY = "1000-01-01"
_CLOCK = r"\d\d(:\d\d(\.\d{1,6})?)?"
# Of each type, the texts of which a value keeps everything. `M` is the decimal separator, `S` the decimal places. A floating
# point number keeps 15 digits.
_EXACT = {
    "boolean": "(?i:true|false)",
    "integer": r" *-?(0|[1-9]\d{0,17}) *",
    "decimal": rf" *-?(0|[1-9]\d{{0,{MAX_WHOLE_DIGITS - 1}}})(M\d{{1,S}})? *",
    "number": r" *-?(((0|[1-9]\d{0,14})(M\d*)?|M\d+)([eE][-+]\d{1,3})?|\d{0,15}M\d+[eE]\d{1,3}) *",
    "time": rf"\d{{1,2}}:{_CLOCK}",
    "timestamp": rf"\d{{4}}-\d\d-\d\d([ T]\d\d:{_CLOCK})?",
}
# Of a type that was chosen, the texts that people mean by it: a leading zero may be lost then, but no decimal place or zone.
_CHOSEN = {
    **_EXACT,
    "boolean": "(?i:true|false|t|f|yes|no|y|n|1|0)",
    "integer": r" *[-+]?\d{1,19} *",
    "decimal": rf" *[-+]?\d{{1,{MAX_WHOLE_DIGITS}}}(M\d{{1,S}})? *",
    "number": r" *[-+]?(\d+(M\d*)?|M\d+)([eE][-+]?\d{1,3})? *",
    "timestamp": rf"{_EXACT['timestamp']}Z?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """`type` is a name of `TYPES`, `scale` the decimal places of a decimal number."""

    name: str
    type: str
    scale: int = 0
    is_chosen: bool = False

    @property
    def sql_type(self) -> str:
        return f"DECIMAL(18,{self.scale})" if self.type == "decimal" else TYPES[self.type]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumns:
    """Columns as they are with a decimal separator. `date_format` is "" if there are no dates; `fit` says how well the
    separator fits: the number of columns that are not text, and of numbers."""

    columns: tuple[TextColumn, ...]
    separator: str
    date_format: str
    fit: tuple[int, int]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def value_of(column: TextColumn, separator: str, date_format: str) -> str:
    """An expression for the value of a text, null if it is none of the type."""
    name = quoted(column.name)
    if column.type == "date":
        return f"CAST(try_strptime({name}, {literal(date_format)}) AS DATE)"
    number = (
        f"replace({name}, ',', '.')" if separator == "," and column.type in ("decimal", "number") else name
    )
    return f"TRY_CAST({number} AS {column.sql_type})"


def fits(column: TextColumn, separator: str, date_format: str) -> str:
    """A condition: the text is a value of the column's type, and nothing of it is lost."""
    value = value_of(column, separator, date_format)
    if column.type == "date":
        return f"coalesce({value} >= DATE {literal(FIRST_DAY)}, false)"
    pattern = (_CHOSEN if column.is_chosen else _EXACT)[column.type]
    pattern = pattern.replace("M", "," if separator == "," else r"\.").replace("S", str(column.scale))
    matches = f"regexp_full_match({quoted(column.name)}, {literal(pattern)}) AND {value} IS NOT NULL"
    return f"{matches} AND isfinite({value})" if column.type == "number" else matches


def column_types(
    connection: Any, source: str, names: Sequence[str], separator: str, formats: Sequence[str]
) -> TextColumns:
    """The columns of a sample of texts."""
    tests = [_tests(name, separator, formats) for name in names]
    by_column = [found for few in batched(tests, _AT_ONCE) for found in _counts(connection, source, few)]
    date_format = _best_format(by_column, formats)
    columns = tuple(_column(name, found, date_format) for name, found in zip(names, by_column, strict=True))
    typed = sum(column.type != "text" for column in columns)
    numbers = sum(found["number"] for found in by_column)
    return TextColumns(columns=columns, separator=separator, date_format=date_format, fit=(typed, numbers))


def _counts(connection: Any, source: str, tests: list[dict[str, str]]) -> list[dict[str, int]]:
    """A few columns at a time, because what DuckDB needs for a statement grows with the square of its length. What the first
    rows do not fit is not looked for in all."""
    first = _counted(connection, f"(SELECT * FROM {source} LIMIT {_FIRST_ROWS})", tests)
    left = [
        {name: test if name in _ALWAYS or seen[name] == seen["values"] else "0" for name, test in one.items()}
        for one, seen in zip(tests, first, strict=True)
    ]
    return _counted(connection, source, left)


def _counted(connection: Any, source: str, tests: list[dict[str, str]]) -> list[dict[str, int]]:
    wanted = ", ".join(test for one in tests for test in one.values())
    found = iter(connection.execute(f"SELECT {wanted} FROM {source}").fetchone())
    return [{name: next(found) for name in one} for one in tests]


def _tests(name: str, separator: str, formats: Sequence[str]) -> dict[str, str]:
    """By type or format, how many values fit it."""
    column, mark = quoted(name), literal(separator or ".")
    places = (
        f"CASE WHEN contains({column}, {mark}) THEN length({column}) - instr({column}, {mark}) ELSE 0 END"
    )
    kinds = (TextColumn(name=name, type=kind, scale=MAX_SCALE) for kind in _EXACT)
    return {
        "values": f"count({column})",
        "scale": f"coalesce(max({places}), 0)",
        **{one.type: _count(fits(one, separator, "")) for one in kinds},
        **{f: _count(fits(TextColumn(name=name, type="date"), separator, f)) for f in formats},
    }


def _count(condition: str) -> str:
    return f"count(*) FILTER (WHERE {condition})"


def _best_format(columns: Sequence[dict[str, int]], formats: Sequence[str]) -> str:
    """The one that fits the most columns entirely."""
    fits = {
        f: sum(bool(c["values"]) and c[f] == c["values"] > c["integer"] for c in columns) for f in formats
    }
    best = max(fits, key=lambda f: fits[f], default="")
    return best if best and fits[best] else ""


def _column(name: str, found: dict[str, int], date_format: str) -> TextColumn:
    values = found["values"]
    if not values:
        return TextColumn(name=name, type="text")
    fits = {**found, "date": found.get(date_format, -1)}
    for kind in ("boolean", "integer", "decimal", "number", "time", "date", "timestamp"):
        if fits[kind] == values:
            scale = max(MIN_SCALE, min(found["scale"], MAX_SCALE)) if kind == "decimal" else 0
            return TextColumn(name=name, type=kind, scale=scale)
    return TextColumn(name=name, type="text")
