"""Many documents at once: those that are named, or all that a list with the same filter would show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters.utils import translate_validation
from rest_framework import serializers

from core.api.filters import FilterBackend, parameter_error
from core.api.serializers import StrictSerializer

NAMED, MOST, AT_ONCE = 1000, 10_000, 1000


class BulkSerializer(StrictSerializer):
    ids = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        min_length=1,
        max_length=NAMED,
        help_text=f"Up to {NAMED:,} documents. Those that are not there are passed over.",
    )
    filter = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_empty=False,
        help_text=f"Instead of `ids`: up to {MOST:,} documents, by the fields that the list is filtered by.",
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in given) == ("filter" in given):
            raise serializers.ValidationError("Send either `ids` or `filter`.")
        return given


class BulkTagsSerializer(BulkSerializer):
    tags = serializers.ListField(child=serializers.CharField(max_length=255), min_length=1, max_length=100)


def chosen(view: Any, given: dict[str, Any]) -> Iterator[Sequence[UUID]]:
    """The ids of what the view would show of these, some at a time. Raises ValidationError."""
    rows = view.get_queryset()
    rows = rows.filter(pk__in=given["ids"]) if "ids" in given else _filtered(view, rows, given["filter"])
    ids = list(rows.order_by("pk").values_list("pk", flat=True).distinct()[: MOST + 1])
    if len(ids) > MOST:
        raise parameter_error(
            "filter", f"These are more than {MOST:,} documents. Narrow the filter.", code="too_many"
        )
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _filtered(view: Any, rows: QuerySet[Any], given: dict[str, str]) -> QuerySet[Any]:
    kind: Any = FilterBackend().get_filterset_class(view, rows)
    known = sorted(kind.base_filters)
    if unknown := sorted(set(given) - set(known)):
        told = f"There is no such filter. Known are: {', '.join(known)}."
        raise parameter_error(f"filter.{unknown[0]}", told, code="unknown")
    filters = kind(given, queryset=rows)
    if not filters.is_valid():
        invalid: Any = translate_validation(filters.errors)
        raise serializers.ValidationError({"filter": invalid.detail})
    found: QuerySet[Any] = filters.qs
    return found
