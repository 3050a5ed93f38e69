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

from core.api.openai.fields import IdField
from core.api.openai.ids import as_id, pk_of
from core.api.openai.views import OpenAIViewSet, validated
from core.api.views import bound_rows
from core.error_codes import ERROR_CODES, Origin
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.bound_lookups import OF_REFERENCE, bound_through
from knowledge.models import Document, DocumentStatus, FileBatch, Reference
from knowledge.openai.attachments import attachments
from knowledge.openai.fields import AttributesField
from knowledge.openai.ids import BATCH, FILE, STORE, file_id
from knowledge.openai.vector_stores import MOST_FILES, STATES, file_counts
from knowledge.services import documents, stored_files

POLL_AFTER_MS = "500"  # of themselves, OpenAI's clients wait one second, or five
ROLES = {"GET": Role.VIEWER, "POST": Role.EDITOR, "DELETE": Role.EDITOR}
# Of OpenAI's three codes, that of files which OYL cannot read; what the services had to do with is the server's.
UNSUPPORTED = {"unsupported_type", "needs_libreoffice"}


class StoreFileSerializer(serializers.BaseSerializer[Document]):
    def to_representation(self, row: Document) -> dict[str, Any]:
        return {
            "id": file_id(row),
            "object": "vector_store.file",
            "created_at": int(row.created_at.timestamp()),
            "vector_store_id": as_id(STORE, row.reference_id),
            "status": STATES[DocumentStatus(row.processed_status)],
            "last_error": _error(row),
            "usage_bytes": row.size_bytes,
            "attributes": row.metadata_json,
            "chunking_strategy": {"type": "other"},
        }


def _error(row: Document) -> dict[str, str] | None:
    if row.processed_status != DocumentStatus.ERROR:
        return None
    is_ours = ERROR_CODES[row.error_code].origin is not Origin.FILE
    others = "unsupported_file" if row.error_code in UNSUPPORTED else "invalid_file"
    return {"code": "server_error" if is_ours else others, "message": f"{row.error_code}: {row.error_detail}"}


class AttachRequestSerializer(serializers.Serializer[Any]):
    file_id = IdField()
    attributes = AttributesField()


class AttributesRequestSerializer(serializers.Serializer[Any]):
    attributes = AttributesField()


class StoreFilter(serializers.Serializer[Any]):
    filter = serializers.ChoiceField(choices=sorted({*STATES.values(), "cancelled"}), required=False)


class OfStoreViewSet(OpenAIViewSet):
    """What belongs to one vector store."""

    area = "knowledge"
    roles = ROLES
    bound_by = bound_through("reference")

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(reference=self.store)

    @property
    def store(self) -> Reference:
        """Inside a scope. Raises Http404."""
        mine = bound_rows(self.actor, Reference.objects.all(), OF_REFERENCE)
        found: Reference | None = mine.filter(pk=self.kwargs["store"]).first()
        if found is None:
            raise Http404
        return found

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        response = super().retrieve(request, **kwargs)
        response["openai-poll-after-ms"] = POLL_AFTER_MS
        return response


class StoreFileViewSet(OfStoreViewSet):
    """Its documents, however they came; or those of one batch."""

    model = Document
    serializer_class = StoreFileSerializer

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset().defer("text")
        if "batch" in self.kwargs:
            batch = FileBatch.objects.filter(reference=self.kwargs["store"], pk=self.kwargs["batch"]).first()
            if batch is None:
                raise Http404
            rows = rows.filter(external_id__in=batch.file_ids)
        state = validated(StoreFilter, self.request.query_params).get("filter")
        wanted = [status for status, name in STATES.items() if name == state]
        return rows.filter(processed_status__in=wanted) if state else rows

    def get_object(self) -> Document:
        found = self._by_file(self.kwargs["pk"])
        if found is None:
            raise Http404
        return found

    def position(self, public_id: str) -> UUID:
        found = self._by_file(pk_of(public_id))
        if found is None:
            raise ValueError(public_id)
        return found.pk

    def _by_file(self, pk: UUID) -> Document | None:
        found: Document | None = self.get_queryset().filter(Q(external_id=as_id(FILE, pk)) | Q(pk=pk)).first()
        return found

    def create(self, request: Request, **kwargs: Any) -> Response:
        given = validated(AttachRequestSerializer, request.data)
        with tenant_scope(self.actor.tenant_id):
            store = self.store
            files = attachments(self.actor, {given["file_id"]: given.get("attributes") or {}})
        stored_files.attach_files(actor=self.actor, reference_id=store.pk, attachments=files)
        with tenant_scope(self.actor.tenant_id):
            made = self.get_queryset().get(external_id=files[0].file.external_id)
            return Response(StoreFileSerializer(made).data)

    def modify(self, request: Request, **kwargs: Any) -> Response:
        given, document = validated(AttributesRequestSerializer, request.data), self.get_object()
        wanted = given.get("attributes") or {}
        documents.set_metadata(actor=self.actor, document_id=document.pk, metadata=wanted)
        return Response(StoreFileSerializer(self.get_object()).data)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        document = self.get_object()
        documents.delete_documents(actor=self.actor, document_ids=[document.pk])
        return Response({"id": file_id(document), "object": "vector_store.file.deleted", "deleted": True})

    def content(self, request: Request, **kwargs: Any) -> Response:
        """Its text, as passages are parts of."""
        data = [{"type": "text", "text": self.get_object().text}]
        page = {"object": "vector_store.file_content.page", "has_more": False, "next_page": None}
        return Response({**page, "data": data})


class FileBatchSerializer(serializers.BaseSerializer[FileBatch]):
    """What has been taken out of the store since counts as cancelled."""

    def to_representation(self, row: FileBatch) -> dict[str, Any]:
        statuses = stored_files.documents_of_batch(row).values_list("processed_status", flat=True)
        states = Counter(STATES[DocumentStatus(status)] for status in statuses)
        counts = file_counts(states, cancelled=len(row.file_ids) - states.total())
        working = "in_progress" if states["in_progress"] else "completed"
        return {
            "id": as_id(BATCH, row.pk),
            "object": "vector_store.files_batch",
            "created_at": int(row.created_at.timestamp()),
            "vector_store_id": as_id(STORE, row.reference_id),
            "status": "cancelled" if row.cancelled_at else working,
            "file_counts": counts,
        }


class FileBatchRequestSerializer(serializers.Serializer[Any]):
    """`attributes` are those of all `file_ids`; each of `files` has its own."""

    file_ids = serializers.ListField(child=IdField(), required=False, max_length=MOST_FILES)
    files = serializers.ListField(child=AttachRequestSerializer(), required=False, max_length=MOST_FILES)
    attributes = AttributesField()

    def validate(self, attrs: dict[str, Any]) -> dict[UUID, dict[str, Any]]:
        everybodys = attrs.get("attributes") or {}
        wanted = dict.fromkeys(attrs.get("file_ids", ()), everybodys)
        wanted |= {one["file_id"]: one.get("attributes") or {} for one in attrs.get("files", ())}
        if not wanted:
            raise serializers.ValidationError({"file_ids": "Name the files, here or under 'files'."})
        return wanted


class FileBatchViewSet(OfStoreViewSet):
    """Files that are added together."""

    model = FileBatch
    serializer_class = FileBatchSerializer

    def create(self, request: Request, **kwargs: Any) -> Response:
        wanted: Any = validated(FileBatchRequestSerializer, request.data)
        with tenant_scope(self.actor.tenant_id):
            store, files = self.store, attachments(self.actor, wanted)
        stored_files.attach_files(actor=self.actor, reference_id=store.pk, attachments=files)
        batch = stored_files.create_batch(actor=self.actor, reference_id=store.pk, attachments=files)
        with tenant_scope(self.actor.tenant_id):
            return Response(FileBatchSerializer(batch).data)

    def cancel(self, request: Request, **kwargs: Any) -> Response:
        batch = self.get_object()
        stored_files.cancel_batch(actor=self.actor, batch=batch)
        return Response(FileBatchSerializer(batch).data)
