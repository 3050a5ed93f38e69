"""From what was read of a question to a structured query, if there is exactly one that it can mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conversations.answering.asked_tables.reading import (
    DATES,
    NUMBERS,
    AskedColumn,
    AskedTable,
    Mention,
    Reading,
    read,
)

GROUPS, RESULT = 50, "result"
Query = dict[str, Any]


def query_for(question: str, tables: Sequence[AskedTable]) -> tuple[AskedTable, Query] | None:
    """Of several tables that could answer, the one that the question names."""
    found = []
    for table in tables:
        reading = read(question, table)
        query = _meant(reading) if reading else None
        if reading and query:
            found.append((bool(reading.table_places), table, query))
    named = [one for one in found if one[0]] if len(found) > 1 else found
    return named[0][1:] if len(named) == 1 else None


def _meant(reading: Reading) -> Query | None:
    groups = _groups(reading)
    filtered = {one["column"] for one in reading.where}
    others = [one for one in reading.mentions if one not in groups and one.column.name not in filtered]
    others = _without_flags(reading, _distinct(others))
    kinds = {key for key in reading.asked.values() if key not in ("group", "which")}
    group = groups[0].column if groups else None
    if len(groups) > 1:
        return None
    if kinds & {"most", "fewest"}:
        return _ranked(reading, kinds, group, others)
    if "group" in reading.asked.values() and not groups:
        return None
    if kinds & {"min", "max"} and "which" in reading.asked.values() and len(others) == 1:
        return _row_with_extreme(reading, kinds, others[0].column)
    if kinds & {"min", "max"} and group is None and len(others) > 1:
        return _extreme_of_each(reading, kinds, others)
    return _aggregated(reading, kinds, group, others)


def _groups(reading: Reading) -> list[Mention]:
    """The columns right after "per" or "by", between which only words without a meaning are."""
    ends = [place.stop for place, key in reading.asked.items() if key == "group"]
    return [one for one in reading.mentions if one.place.start in ends and one.column.type not in NUMBERS]


def _distinct(mentions: Sequence[Mention]) -> list[Mention]:
    return [*{one.column.name: one for one in reversed(mentions)}.values()][::-1]


def _without_flags(reading: Reading, mentions: Sequence[Mention]) -> list[Mention]:
    """A column of yes and no that is mentioned is a condition."""
    for one in mentions:
        if one.column.type == "boolean":
            reading.where.append({"column": one.column.name, "op": "eq", "value": True})
    return [one for one in mentions if one.column.type != "boolean"]


def _aggregated(
    reading: Reading, kinds: set[str], group: AskedColumn | None, others: Sequence[Mention]
) -> Query | None:
    """One figure, or one for each group."""
    kinds = kinds - {"sum"} if "count" in kinds else kinds
    if "count" in kinds:
        aggregate = _counted(reading, kinds, others)
    elif len(kinds) == 1 and len(others) == 1:
        aggregate = _figure(next(iter(kinds)), others[0].column)
    else:
        aggregate = None
    if aggregate is None:
        return None
    return _query(reading, aggregate, group, GROUPS if group else None)


def _counted(reading: Reading, kinds: set[str], others: Sequence[Mention]) -> Mapping[str, str] | None:
    """Rows; or the different values of the column after "how many"; or the sum of its numbers."""
    if kinds - {"count", "distinct"} or len(others) > 1:
        return None
    if not others:
        return {"function": "count"} if "distinct" not in kinds else None
    column, start = others[0].column, others[0].place.start
    if "distinct" not in kinds:
        ends = {place.stop for place, key in reading.asked.items() if key == "count"}
        if start not in ends or any(place.start in ends for place in reading.table_places):
            return None
    function = "sum" if column.type in NUMBERS and "distinct" not in kinds else "count_distinct"
    return {"function": function, "column": column.name}


def _figure(kind: str, column: AskedColumn) -> Mapping[str, str] | None:
    allowed = NUMBERS | DATES if kind in ("min", "max") else NUMBERS
    if kind not in ("sum", "avg", "min", "max") or column.type not in allowed:
        return None
    return {"function": kind, "column": column.name}


def _ranked(
    reading: Reading, kinds: set[str], group: AskedColumn | None, others: Sequence[Mention]
) -> Query | None:
    """Who has the most: of rows, or of the sum of a column."""
    measures = [one.column for one in others if one.column.type in NUMBERS]
    subjects = [group] if group else [one.column for one in others if one.column.type not in NUMBERS]
    if group and measures != [one.column for one in others]:
        return None
    if len(subjects) != 1 or len(measures) > 1 or len(kinds - {"sum", "count"}) != 1:
        return None
    aggregate = {"function": "sum", "column": measures[0].name} if measures else {"function": "count"}
    return _query(reading, aggregate, subjects[0], reading.most or 1, descending="most" in kinds)


def _extreme_of_each(reading: Reading, kinds: set[str], others: Sequence[Mention]) -> Query | None:
    """Which of the subjects has the highest or lowest number."""
    measures = [one.column for one in others if one.column.type in NUMBERS | DATES]
    subjects = [one.column for one in others if one.column.type not in NUMBERS | DATES]
    if len(kinds) != 1 or len(measures) != 1 or len(subjects) != 1:
        return None
    (kind,) = kinds
    aggregate = {"function": kind, "column": measures[0].name}
    return _query(reading, aggregate, subjects[0], reading.most or 1, descending=kind == "max")


def _row_with_extreme(reading: Reading, kinds: set[str], column: AskedColumn) -> Query | None:
    """Which of the rows has the highest or lowest number: all of its columns."""
    if len(kinds) != 1 or column.type not in NUMBERS | DATES:
        return None
    order = [{"by": column.name, "descending": "max" in kinds}]
    return {"where": reading.where, "order": order, "limit": reading.most or 1}


def _query(
    reading: Reading,
    aggregate: Mapping[str, str],
    group: AskedColumn | None,
    limit: int | None,
    *,
    descending: bool = True,
) -> Query:
    query: Query = {"where": reading.where, "aggregate": [{**aggregate, "as": RESULT}]}
    if group:
        order = [{"by": RESULT, "descending": descending}, {"by": group.name}]
        query |= {"group": [group.name], "order": order, "limit": limit}
    return query
