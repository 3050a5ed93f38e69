"""Lists, page by page: a cursor stays right while rows come and go, and the last page costs as much as the first.

What a list is asked by is taken as it is meant, or refused: passed over, it would show more, or other, than was asked for.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from django import forms
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, models
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django_filters import filters
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

PAGE, MOST = 50, 200
RESERVED = ("limit", "cursor", "ordering")
LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE}
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: beyond the row that has `values` of what the list is ordered by, or at the end of the list when
    there are none; and whether it goes backwards from there."""

    backwards: bool = False
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        asked = [("r", int(self.backwards)), *(("p", value) for value in self.values)]
        return b64encode(urlencode(asked).encode()).decode()

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Raises ValueError."""
        asked = parse_qs(b64decode(text, validate=True).decode(), keep_blank_values=True, strict_parsing=True)
        return cls(backwards=asked.get("r") == ["1"], values=tuple(asked.get("p", ())))


class Pages(CursorPagination):
    """`?limit=` rows at a time, from `?cursor=` on. A cursor names a row by all that the list is ordered by, its id
    included: of rows that were written at the same time, too, each is on one page."""

    page_size, page_size_query_param, max_page_size = PAGE, "limit", MOST
    page_size_query_description = "How many at a time."
    cursor_query_description = "Where to go on: that of `next` or `previous` of another page."
    ordering: tuple[str, ...] = ("-created_at", "-id")

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get("limit", str(PAGE))
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:9]) <= MOST):
            raise refused("limit", f"Give a number from 1 to {MOST}.")
        return int(asked)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self._url = request.build_absolute_uri()
        self.page_size = self.get_page_size(request)
        self.ordering = self.get_ordering(request, queryset, view)
        asked = request.query_params.get("cursor")
        try:
            self._cursor = Cursor() if asked is None else Cursor.read(asked)
            return self._read(queryset)
        except (DjangoValidationError, ValueError, DataError) as error:
            if asked is None:
                raise
            raise refused(
                "cursor", "This is no cursor of this list: take `next` or `previous` of a page."
            ) from error

    def _read(self, queryset: QuerySet[Any]) -> list[Any]:
        """The page. One row more tells whether there is another in its direction."""
        way = _turned(self.ordering) if self._cursor.backwards else self.ordering
        rows = queryset.order_by(*way)
        if self._cursor.values:
            rows = rows.filter(_beyond(way, self._cursor.values))
        found = list(rows[: self.page_size + 1])
        self._page, self._has_more = found[: self.page_size], len(found) > self.page_size
        if self._cursor.backwards:
            self._page.reverse()
        return self._page

    def get_next_link(self) -> str | None:
        return self._link(backwards=False)

    def get_previous_link(self) -> str | None:
        return self._link(backwards=True)

    def _link(self, *, backwards: bool) -> str | None:
        """From this page's last or first row; from an empty page, which lies beyond all rows, to the end that it left."""
        if not (self._has_more if backwards == self._cursor.backwards else self._cursor.values):
            return None
        values: tuple[str, ...] = ()
        if self._page:
            row = self._page[0 if backwards else -1]
            values = tuple(str(getattr(row, name.lstrip("-"))) for name in self.ordering)
        cursor = str(Cursor(backwards, values))
        return str(replace_query_param(self._url, self.cursor_query_param, cursor))

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What `get_paginated_response` answers."""
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"results": schema, "next": link, "previous": link}
        return {"type": "object", "properties": properties, "required": [*properties]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        told = super().get_schema_operation_parameters(view)
        return [{**one, "schema": LIMIT} if one["name"] == "limit" else one for one in told]


def _turned(ordering: Sequence[str]) -> list[str]:
    return [name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in ordering]


def _beyond(ordering: Sequence[str], values: Sequence[str]) -> Q:
    """What comes after a row with these values. That the first field is not before its own is said once more, by
    itself, because PostgreSQL looks for that in an index."""
    found = Q()
    for name, value in reversed([*zip(ordering, values, strict=True)]):
        field = name.lstrip("-")
        found = Q(**{f"{field}__{_way(name)}": value}) | (Q(**{field: value}) & found if found else Q())
    first = ordering[0]
    return Q(**{f"{first.lstrip('-')}__{_way(first)}e": values[0]}) & found


def _way(name: str) -> str:
    return "lt" if name.startswith("-") else "gt"


class Ordering(OrderingFilter):
    """By the fields that the view names, and by no other."""

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> Any:
        asked = request.query_params.get("ordering")
        if asked is None:
            return None
        known = self._known(view)
        if unknown := [name for name in asked.split(",") if name not in known]:
            raise refused("ordering", f"{unknown[0]} is not among: {', '.join(known) or 'none'}.")
        return [
            *asked.split(","),
            "-id" if asked.startswith("-") else "id",
        ]  # of equals, too, there is an order

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not (known := self._known(view)):
            return []
        schema = {"type": "array", "items": {"type": "string", "enum": known}, "minItems": 1}
        told = "By which fields, separated by commas; `-` turns the order round."
        form = {"style": "form", "explode": False, "required": False}
        return [{"name": "ordering", "in": "query", "description": told, "schema": schema, **form}]

    def _known(self, view: Any) -> list[str]:
        return [sign + name for name in getattr(view, "ordering_fields", ()) for sign in ("", "-")]


class BooleanField(forms.Field):
    def to_python(self, value: Any) -> bool | None:
        if value not in (None, *BOOLEANS):
            raise forms.ValidationError("Give true or false.", code="invalid")
        return BOOLEANS.get(value)


class BooleanFilter(filters.Filter):
    field_class = BooleanField


class IntegerFilter(filters.Filter):
    field_class = forms.IntegerField


def _bounds(field: Any) -> dict[str, Any]:
    return {"validators": field.validators}


class TimeField(IsoDateTimeField):
    """In UTC: PostgreSQL takes no offset of 16 hours and more, which ISO 8601 allows."""

    def to_python(self, value: Any) -> datetime | None:
        try:
            found: datetime | None = super().to_python(value)
            return found and found.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None


class TimeFilter(filters.IsoDateTimeFilter):
    field_class = TimeField


class StrictFilters(FilterSet):
    FILTER_DEFAULTS = {
        **FilterSet.FILTER_DEFAULTS,
        models.BooleanField: {"filter_class": BooleanFilter},
        models.DateTimeField: {"filter_class": TimeFilter},
        models.IntegerField: {"filter_class": IntegerFilter, "extra": _bounds},
        models.PositiveIntegerField: {"filter_class": IntegerFilter, "extra": _bounds},
    }


class Filters(DjangoFilterBackend):
    """By the fields that the view names, each given once."""

    filterset_base = StrictFilters

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        known = set(self._known(queryset, view)) | set(RESERVED)
        if unknown := sorted(set(request.query_params) - known):
            raise refused(
                unknown[0], f"There is no such filter. Known are: {', '.join(sorted(known))}.", code="unknown"
            )
        given_once(request.query_params)
        rows: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return rows

    def _known(self, queryset: QuerySet[Any], view: Any) -> list[str]:
        found = self.get_filterset_class(view, queryset)
        return list(found.base_filters) if found else []


def given_once(parameters: QueryDict) -> dict[str, str]:
    """Each with its one value. Raises ValidationError."""
    given = {}
    for name, values in parameters.lists():
        if len(values) > 1 or not values[0]:
            raise refused(name, "Give one value.")
        given[name] = str(values[0])
    return given


def refused(name: str, told: str, *, code: str = "invalid") -> ValidationError:
    """A parameter that is not valid."""
    return ValidationError({name: ErrorDetail(told, code=code)})
