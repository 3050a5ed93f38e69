"""Bulk requests: documents by their ids, or all that a list with the same filter would show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django_filters.utils import translate_validation
from rest_framework import serializers

from core.api.filters import FilterBackend, parameter_error
from core.api.serializers import StrictSerializer
from core.batching import batched

MAX_IDS, MAX_DOCUMENTS, BATCH_SIZE = 1000, 10_000, 1000


class BulkSerializer(StrictSerializer):
    described = {"minProperties": 1, "maxProperties": 1}
    ids = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        min_length=1,
        max_length=MAX_IDS,
        help_text=f"Up to {MAX_IDS:,} documents. Those that are not there are passed over.",
    )
    filter = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_empty=False,
        help_text=f"Instead of `ids`: up to {MAX_DOCUMENTS:,} documents, by the fields that the list is filtered by.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError("Send either `ids` or `filter`.")
        return attrs


class BulkTagsSerializer(BulkSerializer):
    described = {"minProperties": 2, "maxProperties": 2}
    tags = serializers.ListField(child=serializers.CharField(max_length=255), min_length=1, max_length=100)


def selected_ids(view: Any, data: dict[str, Any]) -> Iterator[Sequence[UUID]]:
    """The ids of the rows that the view shows of those selected by `ids` or `filter`, in batches. Raises
    ValidationError."""
    rows = view.get_queryset()
    if "ids" in data:
        rows = rows.filter(pk__in=data["ids"])
    else:  # as the view's list does, but unknown filters are refused
        filterset_class: Any = FilterBackend().get_filterset_class(view, rows)
        names = sorted(filterset_class.base_filters)
        if unknown := sorted(set(data["filter"]) - set(names)):
            message = f"There is no such filter. Known are: {', '.join(names)}."
            raise parameter_error(f"filter.{unknown[0]}", message, code="unknown")
        filterset = filterset_class(data["filter"], queryset=rows)
        if not filterset.is_valid():
            invalid: Any = translate_validation(filterset.errors)
            raise serializers.ValidationError({"filter": invalid.detail})
        rows = filterset.qs
    ids = list(rows.order_by("pk").values_list("pk", flat=True).distinct()[: MAX_DOCUMENTS + 1])
    if len(ids) > MAX_DOCUMENTS:
        raise parameter_error(
            "filter", f"These are more than {MAX_DOCUMENTS:,} documents. Narrow the filter.", code="too_many"
        )
    return batched(ids, BATCH_SIZE)
