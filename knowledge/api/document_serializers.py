"""Documents as they are shown over REST."""

from __future__ import annotations

from rest_framework import serializers

from core.api.serializers import TIMES, OylSerializer
from knowledge.models import Document, DocumentTag


class DocumentTagSerializer(serializers.ModelSerializer[DocumentTag]):
    tag = serializers.CharField(source="tag.tag")

    class Meta:
        model = DocumentTag
        fields = ("tag", "source")


class DocumentSerializer(OylSerializer[Document]):
    tags = DocumentTagSerializer(
        source="document_tags",
        many=True,
        read_only=True,
        help_text="Of the whole document, by hand and from its source.",
    )

    class Meta(OylSerializer.Meta):
        model = Document
        fields = (
            "id",
            "reference",
            "container",
            "external_id",
            "filename",
            "mime_type",
            "size_bytes",
            "sha256",
            "processed_status",
            "error_code",
            "error_detail",
            "generation",
            "metadata_json",
            "file_metadata_json",
            "tags",
            "warnings",
            *TIMES,
        )
        read_only_fields = fields
