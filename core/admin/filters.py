"""Filters of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.utils import parse_datetime_str

if TYPE_CHECKING:
    from django.contrib import admin

    Base = admin.FieldListFilter
else:
    Base = RangeDateTimeFilter
# Of each end: the lookup, and the time where only a date was entered.
ENDS = {"from": ("gte", "00:00:00"), "to": ("lte", "23:59:59")}


class PeriodFilter(Base):
    """From a date to a date, each with a time if one is given. Whatever cannot be read is passed over."""

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        given: dict[str, Any] = self.used_parameters
        conditions = {}
        for end, (lookup, usual_time) in ENDS.items():
            day, time = given.get(f"{self.field_path}_{end}_0"), given.get(f"{self.field_path}_{end}_1")
            if day and (parsed := parse_datetime_str(f"{day} {time or usual_time}")):
                conditions[f"{self.field_path}__{lookup}"] = timezone.make_aware(parsed)
        return queryset.filter(**conditions)
