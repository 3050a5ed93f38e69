"""Which type the texts of a column have: all values of the sample are of it, and no text may lose anything by it. Numbers
with leading zeros, such as postal codes, stay texts; decimal numbers stay exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engines.tables import TYPES

MAX_SCALE, MIN_SCALE, MAX_WHOLE_DIGITS = 6, 2, 12
# Of several that fit, the first: 03/04 is the third of April.
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y%m%d")
_BOOLEAN = "^(?i:true|false)$"
_INTEGER = r"^[-+]?(0|[1-9]\d{0,17})$"
_TIME = r"^\d{1,2}:\d\d(:\d\d(\.\d{1,6})?)?$"
_STAMP = r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """`type` is a name of `TYPES`, `scale` the decimal places of a decimal number."""

    name: str
    type: str
    scale: int = 0

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


def decimal_pattern(separator: str, scale: int = MAX_SCALE) -> str:
    mark = "," if separator == "," else r"\."
    return rf"^[-+]?(0|[1-9]\d{{0,{MAX_WHOLE_DIGITS - 1}}})({mark}\d{{1,{scale}}})?$"


def column_types(
    connection: Any, source: str, names: Sequence[str], separator: str, formats: Sequence[str]
) -> TextColumns:
    """The columns of a sample of texts."""
    tests = _tests(separator, formats)
    wanted = ", ".join(f"{test.format(c=quoted(name))}" for name in names for test in tests.values())
    counts = connection.execute(f"SELECT {wanted} FROM {source}").fetchone()
    by_column = [
        dict(zip(tests, counts[start : start + len(tests)], strict=True))
        for start in range(0, len(counts), len(tests))
    ]
    date_format = _best_format(by_column, formats)
    columns = tuple(_column(name, found, date_format) for name, found in zip(names, by_column, strict=True))
    typed = sum(column.type != "text" for column in columns)
    numbers = sum(found["number"] for found in by_column)
    return TextColumns(columns=columns, separator=separator, date_format=date_format, fit=(typed, numbers))


def _tests(separator: str, formats: Sequence[str]) -> dict[str, str]:
    """By name, expressions over the column `{c}`."""
    number = "replace({c}, ',', '.')" if separator == "," else "{c}"
    decimal = literal(decimal_pattern(separator)).replace("{", "{{").replace("}", "}}")
    mark = literal(separator or ".")
    patterns = {"boolean": _BOOLEAN, "integer": _INTEGER, "time": _TIME, "timestamp": _STAMP}
    return {
        "values": "count({c})",
        **{
            name: f"count_if(regexp_full_match({{c}}, {_escaped(pattern)}))"
            for name, pattern in patterns.items()
        },
        "decimal": f"count_if(regexp_full_match({{c}}, {decimal}))",
        "number": f"count_if(try_cast({number} AS DOUBLE) IS NOT NULL AND NOT regexp_matches({{c}}, '^[-+]?0[0-9]'))",
        "scale": f"coalesce(max(CASE WHEN contains({{c}}, {mark}) THEN length({{c}}) - instr({{c}}, {mark}) ELSE 0 END), 0)",
        **{f: f"count_if(try_strptime({{c}}, {literal(f)}) IS NOT NULL)" for f in formats},
    }


def _escaped(pattern: str) -> str:
    return literal(pattern).replace("{", "{{").replace("}", "}}")


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
