"""List filters and ordering by declared fields. An unknown parameter is an error: if it were ignored, the list
would contain more rows, or have another order, than the caller wanted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.db import models
from django.db.models import QuerySet
from django.http import QueryDict
from django_filters import filters
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request

RESERVED = ("limit", "cursor", "ordering")
LISTS = ("expand", "ordering")
BOOLEANS = {"true": True, "false": False}


def parameter_error(name: str, detail: str, *, code: str = "invalid") -> ValidationError:
    """The error for a query parameter that is not valid."""
    return ValidationError({name: ErrorDetail(detail, code=code)})


def list_values(parameters: QueryDict, name: str) -> list[str]:
    """The values of a list: they are separated by commas, or the parameter is given again, as generated clients do."""
    return ",".join(parameters.getlist(name)).split(",")


def single_values(parameters: QueryDict, *, lists: Collection[str] = ()) -> dict[str, str]:
    """Each parameter with its one value; those of `lists` with all of their values, separated by commas. Raises
    ValidationError when a value is empty, or another parameter is given twice."""
    single = {}
    for name, values in parameters.lists():
        if not all(values) or (len(values) > 1 and name not in lists):
            raise parameter_error(name, "Give one value.")
        single[name] = ",".join(values)
    return single


class Ordering(OrderingFilter):
    """Order by the view's `ordering_fields` only, and then by id."""

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> Any:
        if "ordering" not in request.query_params:
            return None
        names, known = list_values(request.query_params, "ordering"), self._choices(view)
        if unknown := [name for name in names if name not in known]:
            raise parameter_error("ordering", f"{unknown[0]} is not among: {', '.join(known) or 'none'}.")
        return [*names, "-id" if names[0].startswith("-") else "id"]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not (known := self._choices(view)):
            return []
        schema = {"type": "array", "items": {"type": "string", "enum": known}, "minItems": 1}
        description = "By which fields, separated by commas; `-` turns the order round."
        form = {"style": "form", "explode": False, "required": False}
        return [{"name": "ordering", "in": "query", "description": description, "schema": schema, **form}]

    def _choices(self, view: Any) -> list[str]:
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


class TimeField(IsoDateTimeField):
    """Converted to UTC: ISO 8601 allows offsets of 16 hours and more, PostgreSQL does not."""

    def to_python(self, value: Any) -> datetime | None:
        try:
            found: datetime | None = super().to_python(value)
            return found and found.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None


class TimeFilter(filters.IsoDateTimeFilter):
    field_class = TimeField


class ChoicesFilter(filters.BaseInFilter, filters.ChoiceFilter):
    """Several choices, separated by commas."""


def _integer_bounds(field: Any) -> dict[str, Any]:
    return {"validators": field.validators}


# By the class of the relation, in either direction.
RELATIONS: tuple[Any, ...] = (
    models.ForeignKey,
    models.OneToOneField,
    models.ManyToManyField,
    models.ManyToOneRel,
    models.OneToOneRel,
    models.ManyToManyRel,
)


class StrictFilterSet(FilterSet):
    """Relations are compared by id, and the object is not looked up: the list is empty for an id that does not exist, that
    another tenant or a person outside of it has, or that an API key is not bound to."""

    FILTER_DEFAULTS = {
        **FilterSet.FILTER_DEFAULTS,
        **{relation: {"filter_class": filters.UUIDFilter} for relation in RELATIONS},
        models.BooleanField: {"filter_class": BooleanFilter},
        models.DateTimeField: {"filter_class": TimeFilter},
        models.JSONField: {"filter_class": filters.CharFilter},
        models.GeneratedField: {"filter_class": BooleanFilter},
        models.IntegerField: {"filter_class": IntegerFilter, "extra": _integer_bounds},
        models.PositiveIntegerField: {"filter_class": IntegerFilter, "extra": _integer_bounds},
    }

    @classmethod
    def filter_for_lookup(cls, field: Any, lookup_type: str) -> Any:
        """Of fields with choices, one of them is asked for, or several."""
        if not getattr(field, "choices", None) or lookup_type not in ("exact", "in"):
            return super().filter_for_lookup(field, lookup_type)
        names = ", ".join(str(value) for value, _ in field.choices)
        errors = {"invalid_choice": f"'%(value)s' is not among: {names}."}
        kind = filters.ChoiceFilter if lookup_type == "exact" else ChoicesFilter
        return kind, {"choices": field.choices, "error_messages": errors}


class FilterBackend(DjangoFilterBackend):
    """Filter by the view's `filterset_fields`, each given at most once, unless it is a list."""

    filterset_base = StrictFilterSet

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset_class(view, queryset)
        known = {*(filterset.base_filters if filterset else ()), *RESERVED}
        if view.action in ("list", "retrieve"):
            known.add("expand")
        if unknown := sorted(set(request.query_params) - known):
            detail = f"There is no such filter. Known are: {', '.join(sorted(known))}."
            raise parameter_error(unknown[0], detail, code="unknown")
        single_values(request.query_params, lists=_lists(filterset))
        rows: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return rows

    def get_filterset_kwargs(self, request: Any, queryset: QuerySet[Any], view: Any) -> dict[str, Any]:
        lists = _lists(self.get_filterset_class(view, queryset))
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        return {**kwargs, "data": single_values(request.query_params, lists=lists)}


def _lists(filterset: Any) -> set[str]:
    """The parameters that may have several values."""
    found = filterset.base_filters.items() if filterset else ()
    return {*LISTS, *(name for name, one in found if isinstance(one, filters.BaseCSVFilter))}
