"""Keyset pagination: pages stay correct while rows are added and deleted, and the last page costs as much as the first.

A page ends early when its rows are large, so that no list fills the memory of the web process.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, models
from django.db.models import Q, QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from core.api.filters import parameter_error
from core.bounded_fields import is_long
from core.json_values import json_text

PAGE_SIZE, MAX_PAGE_SIZE = 50, 200
# A page has no further row after so many characters of texts and JSON; rows are read from PostgreSQL in slices.
MAX_PAGE_LENGTH, SLICE_ROWS = 1_000_000, 20
LIMIT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after the row whose ordering fields have `values` (at the end of the list when there are none),
    and whether the page is read backwards from there. `of` says of which list and ordering it is."""

    backwards: bool = False
    values: tuple[str, ...] = ()
    of: str = ""

    def __str__(self) -> str:
        pairs = [("r", int(self.backwards)), ("o", self.of), *(("p", value) for value in self.values)]
        return b64encode(urlencode(pairs).encode()).decode()

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Raises ValueError."""
        pairs = parse_qs(b64decode(text, validate=True).decode(), keep_blank_values=True, strict_parsing=True)
        return cls(
            backwards=pairs.get("r") == ["1"],
            values=tuple(pairs.get("p", ())),
            of="".join(pairs.get("o", ())),
        )


class KeysetPagination(CursorPagination):
    """`?limit=` rows, starting at `?cursor=`. A cursor holds all ordering fields including the id, so that each of several
    rows with the same time is on exactly one page."""

    page_size, page_size_query_param, max_page_size = PAGE_SIZE, "limit", MAX_PAGE_SIZE
    page_size_query_description = "How many at a time."
    cursor_query_description = "Where to go on: that of `next` or `previous` of another page."
    ordering: tuple[str, ...] = ("-created_at", "-id")

    def get_page_size(self, request: Request) -> int:
        limit = request.query_params.get("limit", str(PAGE_SIZE))
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= MAX_PAGE_SIZE):
            raise parameter_error("limit", f"Give a number from 1 to {MAX_PAGE_SIZE}.")
        return int(limit)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self._url = request.build_absolute_uri()
        self.page_size = self.get_page_size(request)
        self.ordering = self.get_ordering(request, queryset, view)
        self._list = hashlib.sha256(f"{request.path} {self.ordering}".encode()).hexdigest()[:8]
        given = request.query_params.get("cursor")
        try:
            self._cursor = Cursor(of=self._list) if given is None else Cursor.read(given)
            if self._cursor.of not in ("", self._list):
                raise ValueError
            return self._read_page(queryset)
        except (DjangoValidationError, ValueError, DataError) as error:
            if given is None:
                raise
            raise parameter_error(
                "cursor",
                "This is no cursor of this list and ordering: take that of `next` or `previous` of a page.",
            ) from error

    def _read_page(self, queryset: QuerySet[Any]) -> list[Any]:
        ordering = self.ordering
        if self._cursor.backwards:
            ordering = tuple(name[1:] if name.startswith("-") else f"-{name}" for name in ordering)
        rows = queryset.order_by(*ordering)
        if self._cursor.values:
            rows = rows.filter(_after_cursor(ordering, self._cursor.values))
        self._page, self._has_more = read_page(rows, self.page_size)
        if self._cursor.backwards:
            self._page.reverse()
        return self._page

    def get_next_link(self) -> str | None:
        return self._link(self._edge(backwards=False))

    def get_previous_link(self) -> str | None:
        return self._link(self._edge(backwards=True))

    def _link(self, cursor: str | None) -> str | None:
        return cursor and str(replace_query_param(self._url, self.cursor_query_param, cursor))

    def _edge(self, *, backwards: bool) -> str | None:
        """The cursor of the page after this page's last row, or before its first one. From an empty page, which is beyond
        all rows, it leads back to the nearer end of the list."""
        if not (self._has_more if backwards == self._cursor.backwards else self._cursor.values):
            return None
        values: tuple[str, ...] = ()
        if self._page:
            row = self._page[0 if backwards else -1]
            values = tuple(str(getattr(row, name.lstrip("-"))) for name in self.ordering)
        return str(Cursor(backwards, values, self._list))

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "results": data,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
                "next_cursor": self._edge(backwards=False),
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema of `get_paginated_response`."""
        link = {"type": ["string", "null"], "format": "uri"}
        cursor = {"type": ["string", "null"], "description": "`cursor` of the next page: that of `next`."}
        properties = {"results": schema, "next": link, "previous": link, "next_cursor": cursor}
        return {"type": "object", "properties": properties, "required": [*properties]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        return [{**one, "schema": LIMIT_SCHEMA} if one["name"] == "limit" else one for one in parameters]


def read_page(rows: QuerySet[Any], limit: int) -> tuple[list[Any], bool]:
    """At most `limit` rows and `MAX_PAGE_LENGTH` characters, one row at least; and whether more rows follow."""
    page: list[Any] = []
    length = 0
    has_long_fields = any(map(is_long, rows.model._meta.concrete_fields))
    for row in rows[: limit + 1].iterator(SLICE_ROWS if has_long_fields else limit + 1):
        if len(page) == limit or (page and length > MAX_PAGE_LENGTH):
            return page, True
        page.append(row)
        length += _length(row)
    return page, False


def _length(row: models.Model) -> int:
    """Of its texts and JSON, without those that are not loaded."""
    loaded = vars(row)
    values = [loaded.get(field.attname) for field in row._meta.concrete_fields if is_long(field)]
    return sum(len(value) if isinstance(value, str) else len(json_text(value)) for value in values)


def _after_cursor(ordering: Sequence[str], values: Sequence[str]) -> Q:
    """The rows after the one with these values. The condition on the first field is repeated by itself, because
    PostgreSQL uses an index only for that form."""
    lookups = ["lt" if name.startswith("-") else "gt" for name in ordering]
    fields = [name.lstrip("-") for name in ordering]
    found = Q()
    for field, lookup, value in reversed([*zip(fields, lookups, values, strict=True)]):
        found = Q(**{f"{field}__{lookup}": value}) | (Q(**{field: value}) & found if found else Q())
    return Q(**{f"{fields[0]}__{lookups[0]}e": values[0]}) & found
