"""Chunks, and the jobs that made them, over REST."""

from __future__ import annotations

from typing import Any

from core.api.serializers import TIMES, OylSerializer
from core.api.views import ReadViewSet
from knowledge.bound_lookups import lookups_through
from knowledge.models import Chunk, IngestionJob
from knowledge.services.reading import record_document_reads


class ChunkSerializer(OylSerializer[Chunk]):
    class Meta(OylSerializer.Meta):
        model = Chunk
        fields = (
            "id",
            "document",
            "generation",
            "position",
            "text",
            "page",
            "last_page",
            "heading_path",
            "start",
            "end",
            "token_count",
            "language",
            "tags_text",
            "created_at",
        )
        read_only_fields = fields


class ChunkViewSet(ReadViewSet):
    """Passages of documents."""

    model = Chunk
    area = "knowledge"
    records_reads = True
    bound_by = lookups_through("document__reference")
    serializer_class = ChunkSerializer
    filterset_fields = ["document", "document__reference", "generation", "page", "language"]
    ordering_fields = ["created_at", "position"]

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page: list[Any] | None = super().paginate_queryset(queryset)
        record_document_reads(actor=self.actor, document_ids=[chunk.document_id for chunk in page or ()])
        return page

    def get_object(self) -> Chunk:
        chunk: Chunk = super().get_object()
        record_document_reads(actor=self.actor, document_ids=[chunk.document_id])
        return chunk


class IngestionJobSerializer(OylSerializer[IngestionJob]):
    class Meta(OylSerializer.Meta):
        model = IngestionJob
        fields = (
            "id",
            "document",
            "kind",
            "generation",
            "state",
            "stage",
            "attempt",
            "chunks_done",
            "chunks_total",
            "available_at",
            "started_at",
            "finished_at",
            "error_code",
            "error_detail",
            *TIMES,
        )
        read_only_fields = fields


class IngestionJobViewSet(ReadViewSet):
    """What workers do, did, or are to do with documents."""

    model = IngestionJob
    area = "knowledge"
    bound_by = lookups_through("document__reference")
    serializer_class = IngestionJobSerializer
    filterset_fields = ["document", "kind", "state", "error_code"]
