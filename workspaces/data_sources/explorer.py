"""The explorer of a data source: its rows with filters, sorting and pages, a chart, SQL, downloads, and its profile."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import slugify

from core.admin import actor_of
from core.downloads import OpenFileDownload
from core.errors import EngineError, OylError
from core.isolation.scope import tenant_scope
from core.requests import opens_own_scopes
from engines.tables import QueryResult
from workspaces.data_sources.querying import export, query
from workspaces.data_sources.structured import AGGREGATES, OPERATORS, as_sql
from workspaces.data_sources.upload_pages import source_of
from workspaces.models import DataSource

PAGE_ROWS, BARS, FILTERS = 50, 30, 3
VIEWS = {"rows": "Rows", "chart": "Chart", "sql": "SQL", "profile": "Profile"}
FORMATS = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
FORMAT_NAMES = {"csv": "CSV", "parquet": "Parquet"}
_WITHOUT_VALUE = ("is_null", "not_null")
_NUMBERS = ("integer", "number", "decimal")
_BAR_WIDTH = 100.0
_WORDS = ("is", "is not", "<", "≤", ">", "≥", "contains", "starts with", "is one of", "is none of")
OPERATOR_WORDS = dict(zip(OPERATORS, (*_WORDS, "is empty", "is not empty"), strict=True))


@opens_own_scopes
def explore_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Queries run outside of any transaction."""
    with tenant_scope(actor_of(request).tenant_id):
        source = source_of(pk)
    view = request.GET.get("view", "rows")
    view = view if view in VIEWS else "rows"
    found: dict[str, Any] = {}
    try:
        if view != "profile" and source.generation:
            if request.POST.get("download", request.GET.get("download")) in FORMATS:
                return _download(request, source, view)
            found = {"rows": _rows, "chart": _chart, "sql": _sql}[view](request, source)
    except (OylError, EngineError) as error:
        found = {"error": str(error)}
    with tenant_scope(actor_of(request).tenant_id):
        context = {
            **admin.site.each_context(request),
            "title": f"Explore: {source.name}",
            "source": source,
            "view": view,
            "views": VIEWS,
            "columns": source.schema_json,
            **_given(request, source, view),
            **found,
        }
        return TemplateResponse(request, "admin/workspaces/explore.html", context).render()


def _given(request: HttpRequest, source: DataSource, view: str) -> dict[str, Any]:
    """What the forms of the page show."""
    if view == "rows":
        return {"filters": _filters(request), "operators": OPERATOR_WORDS}
    if view == "chart":
        return {"aggregates": AGGREGATES, "chart": _chart_choice(request, source)}
    if view == "sql":
        return {"sql": _sql_of(request, source)}
    return {"profile": _profile(source)}


def _rows(request: HttpRequest, source: DataSource) -> dict[str, Any]:
    """One row more than a page has says whether there is a next one: nothing is counted."""
    page = _page_number(request)
    structured = _structured(request, source)
    wanted = {**structured, "limit": PAGE_ROWS + 1, "offset": PAGE_ROWS * page}
    result = _ask(request, source, _as_sql(source, wanted))
    return {
        "result": result,
        "table": result.rows[:PAGE_ROWS],
        "heads": [_head(request, column) for column in source.schema_json],
        "first": PAGE_ROWS * page + 1,
        "last": PAGE_ROWS * page + len(result.rows[:PAGE_ROWS]),
        "previous_page": _address(request, page=page - 1) if page else "",
        "next_page": _address(request, page=page + 1) if len(result.rows) > PAGE_ROWS else "",
        "downloads": {name: _address(request, download=kind) for kind, name in FORMAT_NAMES.items()},
        "pages": page,
    }


def _structured(request: HttpRequest, source: DataSource) -> dict[str, Any]:
    """The filters and the order. The order ends with all other columns, so that a page begins where the one before ended."""
    names = [str(column["name"]) for column in source.schema_json]
    types = {str(column["name"]): str(column["type"]) for column in source.schema_json}
    where = [_condition(one, types) for one in _filters(request) if one["column"]]
    structured: dict[str, Any] = {"where": where}
    if (sort := request.GET.get("sort", "")) in names:
        descending = request.GET.get("desc") == "1"
        others = [{"by": name} for name in names[:49] if name != sort]
        structured["order"] = [{"by": sort, "descending": descending}, *others]
    return structured


def _filters(request: HttpRequest) -> list[dict[str, str]]:
    return [
        {name: request.GET.get(f"{name}{number}", "") for name in ("column", "op", "value")}
        | {"number": str(number)}
        for number in range(FILTERS)
    ]


def _condition(one: Mapping[str, str], types: Mapping[str, str]) -> dict[str, Any]:
    condition: dict[str, Any] = {"column": one["column"], "op": one["op"] or "eq"}
    if condition["op"] in ("in", "not_in"):
        parts = [part.strip() for part in one["value"].split(",")]
        condition["value"] = [_typed(part, types.get(one["column"], "")) for part in parts if part]
    elif condition["op"] not in _WITHOUT_VALUE:
        is_text = condition["op"] in ("contains", "starts_with")
        condition["value"] = one["value"] if is_text else _typed(one["value"], types.get(one["column"], ""))
    return condition


def _typed(text: str, kind: str) -> Any:
    """DuckDB compares a text with dates and times; only numbers are not written in quotation marks."""
    if kind in _NUMBERS:
        try:
            return int(text) if kind == "integer" else float(text)
        except ValueError:
            return text
    return text


def _head(request: HttpRequest, column: Mapping[str, Any]) -> dict[str, Any]:
    """The first click sorts upwards, the next one downwards."""
    name = str(column["name"])
    is_sorted = request.GET.get("sort") == name
    is_descending = is_sorted and request.GET.get("desc") == "1"
    turns = is_sorted and not is_descending
    return {
        **column,
        "address": _address(request, sort=name, desc="1" if turns else "", page=0),
        "sorted": "descending" if is_descending else "ascending" if is_sorted else "none",
        "is_number": column.get("type") in _NUMBERS,
    }


def _address(request: HttpRequest, **changes: object) -> str:
    given = {name: value for name, value in request.GET.items() if name != "download"}
    whole = {**given, **{name: str(value) for name, value in changes.items()}}
    return "?" + urlencode({name: value for name, value in whole.items() if value not in ("", "0")})


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "0")
    return min(int(text), 10_000_000) if text.isdecimal() and len(text) < 9 else 0


def _chart_choice(request: HttpRequest, source: DataSource) -> dict[str, str]:
    """What is drawn; at first the number of rows by the first column that is no number."""
    names = [str(column["name"]) for column in source.schema_json]
    kinds = [str(column["name"]) for column in source.schema_json if column["type"] not in _NUMBERS]
    group = request.GET.get("group", "")
    function = request.GET.get("function", "")
    return {
        "group": group if group in names else (kinds or names or [""])[0],
        "function": function if function in AGGREGATES else "count",
        "column": request.GET.get("column", ""),
    }


def _chart(request: HttpRequest, source: DataSource) -> dict[str, Any]:
    choice = _chart_choice(request, source)
    aggregate = {"function": choice["function"], "as": "value"}
    if choice["column"]:
        aggregate["column"] = choice["column"]
    types = {str(column["name"]): column["type"] for column in source.schema_json}
    by_time = types.get(choice["group"]) in ("date", "time", "timestamp")
    order = {"by": choice["group"]} if by_time else {"by": "value", "descending": True}
    wanted = {"group": [choice["group"]], "aggregate": [aggregate], "order": [order], "limit": BARS + 1}
    result = _ask(request, source, _as_sql(source, wanted))
    bars = [(label, value) for label, value in result.rows[:BARS]]
    most = max((abs(value) for _, value in bars if _is_number(value)), default=0) or 1
    return {
        "bars": [
            {
                "label": "(empty)" if label is None else label,
                "value": value,
                "width": f"{_BAR_WIDTH * abs(value) / most if _is_number(value) else 0:.2f}",
            }
            for label, value in bars
        ],
        "has_more_bars": len(result.rows) > BARS,
        "result": result,
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sql(request: HttpRequest, source: DataSource) -> dict[str, Any]:
    if request.method != "POST":
        return {}
    result = _ask(request, source, _sql_of(request, source))
    return {
        "result": result,
        "table": result.rows[:1000],
        "heads": [{"name": c.name} for c in result.columns],
    }


def _sql_of(request: HttpRequest, source: DataSource) -> str:
    name = source.name.replace('"', '""')
    return request.POST.get("sql") or f'SELECT * FROM "{name}" LIMIT 100'  # noqa: S608 (shown to the person who runs it)


def _profile(source: DataSource) -> list[dict[str, Any]]:
    known = {str(one["name"]): one for one in source.profile_json}
    return [{**column, "profile": known.get(str(column["name"]), {})} for column in source.schema_json]


def _ask(request: HttpRequest, source: DataSource, sql: str) -> QueryResult:
    return query(actor=actor_of(request), workspace_id=source.workspace_id, sql=sql)


def _as_sql(source: DataSource, structured: Mapping[str, Any], **options: Any) -> str:
    return as_sql(source.name, [str(column["name"]) for column in source.schema_json], structured, **options)


def _download(request: HttpRequest, source: DataSource, view: str) -> HttpResponse:
    """All rows that the filters leave, or those of the statement."""
    kind = str(request.POST.get("download", request.GET.get("download")))
    is_sql = view == "sql"
    sql = _sql_of(request, source) if is_sql else _as_sql(source, _structured(request, source), limit=None)
    with tempfile.TemporaryDirectory(prefix="oyl-export-") as folder:
        target = Path(folder) / "rows"
        export(actor=actor_of(request), workspace_id=source.workspace_id, sql=sql, target=target, format=kind)
        file = target.open("rb")
    filename = f"{slugify(source.name) or 'rows'}.{kind}"
    return cast(HttpResponse, OpenFileDownload(file, filename=filename, content_type=FORMATS[kind]))
