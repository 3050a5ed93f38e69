"""Documents as files of vector stores, one by one and in batches."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.bound_rows import bound_rows
from core.api.openai.fields import IdField
from core.api.openai.ids import as_id, pk_of
from core.api.openai.views import OpenAIViewSet, validated
from core.api.serializers import TypedSerializer
from core.error_codes import ERROR_CODES
from core.error_origins import Origin
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.bound_lookups import REFERENCE_LOOKUPS, lookups_through
from knowledge.models import Document, DocumentStatus, FileBatch, Reference
from knowledge.openai.attachments import find_attachments
from knowledge.openai.chunking import ChunkingStrategySerializer, check_strategy, strategy_of
from knowledge.openai.fields import AttributesField
from knowledge.openai.ids import BATCH, FILE, STORE, file_id
from knowledge.openai.vector_stores import FILE_STATUSES, file_counts
from knowledge.services import stored_files
from knowledge.services.editing import DocumentChanges, change_document
from knowledge.services.reading import record_document_reads

MAX_BATCH = 2000
POLL_AFTER_MS = "500"  # by default, OpenAI's clients poll every second, or every five
ROLES = {"GET": Role.VIEWER, "POST": Role.EDITOR, "DELETE": Role.EDITOR}
# The codes of OYL that are OpenAI's "unsupported_file".
UNSUPPORTED = {"unsupported_type", "needs_libreoffice"}


class StoreFileSerializer(serializers.BaseSerializer[Document]):
    def to_representation(self, row: Document) -> dict[str, Any]:
        last_error: dict[str, str] | None = None  # with one of OpenAI's three codes
        if row.processed_status == DocumentStatus.ERROR:
            code = "unsupported_file" if row.error_code in UNSUPPORTED else "invalid_file"
            if ERROR_CODES[row.error_code].origin is not Origin.FILE:
                code = "server_error"
            last_error = {"code": code, "message": f"{row.error_code}: {row.error_detail}"}
        return {
            "id": file_id(row),
            "object": "vector_store.file",
            "created_at": int(row.created_at.timestamp()),
            "vector_store_id": as_id(STORE, row.reference_id),
            "status": FILE_STATUSES[DocumentStatus(row.processed_status)],
            "last_error": last_error,
            "usage_bytes": row.size_bytes,
            "attributes": AttributesField.shown(row.metadata_json),
            "chunking_strategy": strategy_of(row.reference),
        }


class AttachRequestSerializer(TypedSerializer):
    file_id = IdField()
    attributes = AttributesField()
    chunking_strategy = ChunkingStrategySerializer(required=False, allow_null=True)


class AttributesRequestSerializer(TypedSerializer):
    attributes = AttributesField()


class StatusQuerySerializer(serializers.Serializer[Any]):
    filter = serializers.ChoiceField(choices=sorted({*FILE_STATUSES.values(), "cancelled"}), required=False)


class StoreItemViewSet(OpenAIViewSet):
    """Objects that belong to one vector store."""

    area = "knowledge"
    roles = ROLES
    bound_by = lookups_through("reference")

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(reference=self.store)

    @property
    def store(self) -> Reference:
        """Inside a scope. Raises Http404."""
        rows = bound_rows(self.actor, Reference.objects.all(), REFERENCE_LOOKUPS)
        store: Reference | None = rows.filter(pk=self.kwargs["store"]).first()
        if store is None:
            raise Http404
        return store

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        response = super().retrieve(request, **kwargs)
        response["openai-poll-after-ms"] = POLL_AFTER_MS
        return response


class StoreFileViewSet(StoreItemViewSet):
    """The store's documents, through whichever API they were added; or those of one batch."""

    model = Document
    serializer_class = StoreFileSerializer

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset().defer("text").select_related("reference")
        if "batch" in self.kwargs:
            batch = FileBatch.objects.filter(reference=self.kwargs["store"], pk=self.kwargs["batch"]).first()
            if batch is None:
                raise Http404
            rows = rows.filter(external_id__in=batch.file_ids)
        file_status = validated(StatusQuerySerializer, self.request.query_params).get("filter")
        statuses = [status for status, name in FILE_STATUSES.items() if name == file_status]
        return rows.filter(processed_status__in=statuses) if file_status else rows

    def get_object(self) -> Document:
        document = self._find(self.kwargs["pk"])
        if document is None:
            raise Http404
        return document

    def position(self, public_id: str) -> UUID:
        document = self._find(pk_of(public_id))
        if document is None:
            raise ValueError(public_id)
        return document.pk

    def _find(self, pk: UUID) -> Document | None:
        """By the id of the file that it was made from, or by its own."""
        rows = self.get_queryset().filter(Q(external_id=as_id(FILE, pk)) | Q(pk=pk))
        document: Document | None = rows.first()
        return document

    def create(self, request: Request, **kwargs: Any) -> Response:
        data = validated(AttachRequestSerializer, request.data)
        with tenant_scope(self.actor.tenant_id):
            store = self.store
            check_strategy(store, data.get("chunking_strategy"))
            files = find_attachments(self.actor, {data["file_id"]: data.get("attributes") or {}})
        stored_files.attach_files(actor=self.actor, reference_id=store.pk, attachments=files)
        with tenant_scope(self.actor.tenant_id):
            document = self.get_queryset().get(external_id=files[0].file.external_id)
            return Response(StoreFileSerializer(document).data)

    def modify(self, request: Request, **kwargs: Any) -> Response:
        data = validated(AttributesRequestSerializer, request.data)
        with tenant_scope(self.actor.tenant_id):
            document = self.get_object()
            metadata = AttributesField.changed(document.metadata_json, data.get("attributes"))
            changes = DocumentChanges(metadata=metadata)
            change_document(actor=self.actor, document_id=document.pk, changes=changes)
            return Response(StoreFileSerializer(self.get_object()).data)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """The file itself stays."""
        with tenant_scope(self.actor.tenant_id):
            document = self.get_object()
        stored_files.detach_document(actor=self.actor, document=document)
        return Response({"id": file_id(document), "object": "vector_store.file.deleted", "deleted": True})

    def content(self, request: Request, **kwargs: Any) -> Response:
        """The text that chunks are parts of."""
        document = self.get_object()
        record_document_reads(actor=self.actor, document_ids=[document.pk])
        data = [{"type": "text", "text": document.text}]
        page = {"object": "vector_store.file_content.page", "has_more": False, "next_page": None}
        return Response({**page, "data": data})


class FileBatchSerializer(serializers.BaseSerializer[FileBatch]):
    """Documents that were deleted since count as cancelled. A batch that was cancelled when all were read is completed."""

    def to_representation(self, row: FileBatch) -> dict[str, Any]:
        statuses = stored_files.documents_of_batch(row).values_list("processed_status", flat=True)
        counts = Counter(FILE_STATUSES[DocumentStatus(status)] for status in statuses)
        status = "in_progress" if counts["in_progress"] else "completed"
        cancelled = len(row.file_ids) - counts.total()
        return {
            "id": as_id(BATCH, row.pk),
            "object": "vector_store.files_batch",
            "created_at": int(row.created_at.timestamp()),
            "vector_store_id": as_id(STORE, row.reference_id),
            "status": "cancelled" if row.cancelled_at and cancelled else status,
            "file_counts": file_counts(counts, cancelled=cancelled),
        }


class FileBatchRequestSerializer(TypedSerializer):
    """`attributes` and `chunking_strategy` are for all `file_ids`; each of `files` has its own. Validates to the requests
    to attach each."""

    file_ids = serializers.ListField(child=IdField(), required=False, max_length=MAX_BATCH)
    files = serializers.ListField(child=AttachRequestSerializer(), required=False, max_length=MAX_BATCH)
    attributes = AttributesField()
    chunking_strategy = ChunkingStrategySerializer(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> Any:
        ids, files = attrs.pop("file_ids", ()), attrs.pop("files", ())
        if bool(ids) == bool(files):
            raise serializers.ValidationError({"file_ids": "Name the files, either here or under 'files'."})
        return files or [{"file_id": pk, **attrs} for pk in ids]


class FileBatchViewSet(StoreItemViewSet):
    """Files that are added together."""

    model = FileBatch
    serializer_class = FileBatchSerializer

    def create(self, request: Request, **kwargs: Any) -> Response:
        requests: Any = validated(FileBatchRequestSerializer, request.data)
        attributes = {one["file_id"]: one.get("attributes") or {} for one in requests}
        with tenant_scope(self.actor.tenant_id):
            store, files = self.store, find_attachments(self.actor, attributes)
            for one in requests:
                check_strategy(store, one.get("chunking_strategy"))
        stored_files.attach_files(actor=self.actor, reference_id=store.pk, attachments=files)
        batch = stored_files.create_batch(actor=self.actor, reference_id=store.pk, attachments=files)
        with tenant_scope(self.actor.tenant_id):
            return Response(FileBatchSerializer(batch).data)

    def cancel(self, request: Request, **kwargs: Any) -> Response:
        batch = self.get_object()
        stored_files.cancel_batch(actor=self.actor, batch=batch)
        return Response(FileBatchSerializer(batch).data)
