"""Questions to the process and its answers as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.tables import (
    CellError,
    Column,
    ColumnProfile,
    Loaded,
    QueryResult,
    ReadOptions,
    Recognised,
    TableError,
)


def recognised(answer: Mapping[str, Any]) -> Recognised:
    return Recognised(
        options=ReadOptions(**answer["options"]),
        columns=_columns(answer),
        rows=_rows(answer),
        sheets=tuple(answer["sheets"]),
    )


def loaded(answer: Mapping[str, Any]) -> Loaded:
    profile = (
        ColumnProfile(**{**one, "frequent": tuple(map(tuple, one["frequent"]))}) for one in answer["profile"]
    )
    return Loaded(
        rows=answer["rows"],
        columns=_columns(answer),
        profile=tuple(profile),
        warnings=tuple(answer["warnings"]),
    )


def query_result(answer: Mapping[str, Any]) -> QueryResult:
    tables = tuple(answer["tables"])
    return QueryResult(**{**answer, "columns": _columns(answer), "rows": _rows(answer), "tables": tables})


def as_answer(error: TableError) -> dict[str, Any]:
    return {"code": error.code, "detail": error.detail, "cells": error.cells}


def as_error(answer: Mapping[str, Any]) -> TableError:
    cells = [CellError(**one) for one in answer.get("cells", ())]
    return TableError(answer["code"], answer["detail"], cells)


def _columns(answer: Mapping[str, Any]) -> tuple[Column, ...]:
    return tuple(Column(**one) for one in answer["columns"])


def _rows(answer: Mapping[str, Any]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, answer["rows"]))
