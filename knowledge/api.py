"""Documents over REST: a first, read-only door."""

from __future__ import annotations

from rest_framework import mixins, pagination, serializers

from knowledge.models import Document
from tenants.api import TenantViewSet
from tenants.models import Role


class DocumentSerializer(serializers.ModelSerializer[Document]):
    class Meta:
        model = Document
        fields = (
            "id",
            "reference",
            "filename",
            "external_id",
            "mime_type",
            "size_bytes",
            "processed_status",
            "error_code",
            "error_detail",
            "generation",
            "metadata_json",
            "created_at",
            "updated_at",
        )


class ByTime(pagination.CursorPagination):
    ordering = "-created_at"
    page_size = 100


class DocumentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    model = Document
    roles = {"GET": Role.VIEWER, "HEAD": Role.VIEWER}
    serializer_class = DocumentSerializer
    pagination_class = ByTime
