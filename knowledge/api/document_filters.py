"""What lists of documents are filtered by."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django_filters import filters

from core.api.filters import StrictFilterSet
from knowledge.models import Document

FILTERS = {
    "id": ["in"],
    "reference": ["exact", "in"],
    "container": ["exact"],
    "filename": ["exact", "icontains"],
    "external_id": ["exact", "startswith"],
    "processed_status": ["exact", "in"],
    "error_code": ["exact"],
    "has_warnings": ["exact"],
    "warnings": ["has_key"],
    "mime_type": ["exact"],
    "sha256": ["exact"],
    "document_tags__tag": ["exact"],
    "created_at": ["gte", "lt"],
    "updated_at": ["gte", "lt"],
}


class MetadataField(forms.JSONField):
    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        if found is not None and not isinstance(found, dict):
            raise forms.ValidationError('Give a JSON object, as in {"year": 2026}.', code="invalid")
        return found


class MetadataFilter(filters.Filter):
    field_class = MetadataField


class DocumentFilters(StrictFilterSet):
    """By columns, and by what people know documents by."""

    search = filters.CharFilter(
        method="named", field_name="filename", help_text="A part of the file name, the path or the title."
    )
    metadata = MetadataFilter(
        field_name="metadata_json",
        lookup_expr="contains",
        help_text='That are among its own: {"year": 2026}.',
    )
    tag = filters.CharFilter(field_name="document_tags__tag__tag", help_text="The name of a tag.")
    workspace = filters.UUIDFilter(field_name="reference__workspace")

    class Meta:
        model = Document
        fields = FILTERS

    def named(self, rows: QuerySet[Document], name: str, value: str) -> QuerySet[Document]:
        places = ("filename", "external_id", "file_metadata_json__title")
        return rows.filter(reduce(or_, (Q((f"{place}__icontains", value)) for place in places)))
