"""References as vector stores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain
from itertools import count as numbers
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Sum
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.bound_rows import BoundLookups, bound_rows
from core.api.openai.fields import IdField, PairsField
from core.api.openai.ids import as_id
from core.api.openai.views import OpenAIViewSet, RejectsExpiry, validated
from core.bounded_fields import DESCRIPTION_LENGTH
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.permissions import Role
from knowledge.bound_lookups import REFERENCE_LOOKUPS
from knowledge.models import Document, DocumentStatus, Reference
from knowledge.openai.attachments import find_attachments
from knowledge.openai.chunking import ChunkingStrategySerializer
from knowledge.openai.ids import STORE
from knowledge.pipeline.values import ChunkSettings
from knowledge.services.references import delete_references
from knowledge.services.stored_files import attach_files
from workspaces.models import Workspace

MAX_FILES = 500
FILE_STATUSES = {
    DocumentStatus.PENDING: "in_progress",
    DocumentStatus.PROCESSING: "in_progress",
    DocumentStatus.DONE: "completed",
    DocumentStatus.ERROR: "failed",
}
WORKSPACE_LOOKUPS: BoundLookups = {
    "workspace": ("pk",),
    "reference": ("references",),
    "assistant": ("assistants",),
}


def file_counts(by_status: Counter[str], *, cancelled: int = 0) -> dict[str, int]:
    counts = {status: by_status[status] for status in ("in_progress", "completed", "failed")}
    return {**counts, "cancelled": cancelled, "total": sum(counts.values()) + cancelled}


def count_files(references: Iterable[Reference]) -> None:
    """Set `files_by_status` and `usage_bytes` of each."""
    counts: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    sizes: Counter[UUID] = Counter()
    documents = Document.objects.filter(reference__in=list(references)).order_by()
    by_status = documents.values_list("reference_id", "processed_status")
    for pk, status, count, size in by_status.annotate(Count("pk"), Sum("size_bytes")):
        counts[pk][FILE_STATUSES[DocumentStatus(status)]] += count
        sizes[pk] += size
    for reference in references:
        reference.files_by_status = counts[reference.pk]  # type: ignore[attr-defined]
        reference.usage_bytes = sizes[reference.pk]  # type: ignore[attr-defined]


def free_name(workspace: Workspace, name: str) -> str:
    """Inside a scope: the name, with a number if it is taken. OpenAI's vector stores may have the same name."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    same_start = Reference.objects.filter(workspace=workspace, name__startswith=name[:248])
    taken = {*same_start.values_list("name", flat=True)}
    numbered = (f"{name[:248]} ({number})" for number in numbers(2))
    return next(one for one in chain([name], numbered) if one not in taken)


class VectorStoreSerializer(serializers.BaseSerializer[Any]):
    """The workspace is shown among the metadata."""

    def to_representation(self, row: Any) -> dict[str, Any]:
        if not hasattr(row, "files_by_status"):
            count_files([row])
        return {
            "id": as_id(STORE, row.pk),
            "object": "vector_store",
            "created_at": int(row.created_at.timestamp()),
            "name": row.name,
            "description": row.description,
            "usage_bytes": row.usage_bytes,
            "file_counts": file_counts(row.files_by_status),
            "status": "in_progress" if row.files_by_status["in_progress"] else "completed",
            "expires_after": None,
            "expires_at": None,
            "last_active_at": int(row.updated_at.timestamp()),
            "metadata": {**PairsField.shown(row.metadata_json), "workspace": row.workspace.name},
        }


class VectorStoreRequestSerializer(RejectsExpiry):
    name = serializers.CharField(required=False, allow_null=True, max_length=255)
    description = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=DESCRIPTION_LENGTH
    )
    metadata = PairsField()


class NewVectorStoreRequestSerializer(VectorStoreRequestSerializer):
    file_ids = serializers.ListField(child=IdField(), required=False, max_length=MAX_FILES)
    chunking_strategy = ChunkingStrategySerializer(required=False, allow_null=True)


class VectorStoreViewSet(OpenAIViewSet, AuditedViewSet):
    """References, newest first."""

    area = "knowledge"
    model = Reference
    roles = {"GET": Role.VIEWER, "POST": Role.EDITOR, "DELETE": Role.EDITOR}
    bound_by = REFERENCE_LOOKUPS
    serializer_class = VectorStoreSerializer

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset().select_related("workspace")
        return rows.select_for_update(of=("self",)) if self.action == "modify" else rows

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        count_files(page or [])
        return page

    def create(self, request: Request, **kwargs: Any) -> Response:
        data = validated(NewVectorStoreRequestSerializer, request.data)
        metadata = data.get("metadata") or {}
        with tenant_scope(self.actor.tenant_id):
            files = find_attachments(self.actor, {pk: {} for pk in data.get("file_ids", ())})
            workspace = self._find_workspace(metadata.pop("workspace", None))
            name = data.get("name") or f"Vector store {new_id().hex[-8:]}"
            chunking: ChunkSettings = data.get("chunking_strategy") or ChunkSettings()
            store: Reference = self.validate_and_save(
                Reference(
                    workspace=workspace,
                    name=free_name(workspace, name),
                    description=data.get("description") or "",
                    metadata_json=metadata,
                    chunk_tokens=chunking.max_tokens,
                    chunk_overlap=chunking.overlap,
                )
            )
        if files:
            attach_files(actor=self.actor, reference_id=store.pk, attachments=files)
        with tenant_scope(self.actor.tenant_id):
            return Response(VectorStoreSerializer(store).data)

    def modify(self, request: Request, **kwargs: Any) -> Response:
        data, store = validated(VectorStoreRequestSerializer, request.data), self.get_object()
        if "metadata" in data:
            store.metadata_json = PairsField.changed(store.metadata_json, data["metadata"])
            workspace = store.metadata_json.pop("workspace", None)
            if workspace not in (None, store.workspace.name, str(store.workspace.pk)):
                raise serializers.ValidationError({"metadata": "A vector store stays in its workspace."})
        if (name := data.get("name") or store.name) != store.name:
            store.name = free_name(store.workspace, name)
        store.description = data.get("description", store.description) or ""
        return Response(VectorStoreSerializer(self.validate_and_save(store)).data)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        store = self.get_object()
        delete_references(actor=self.actor, references=[store])
        return Response({"id": as_id(STORE, store.pk), "object": "vector_store.deleted", "deleted": True})

    def _find_workspace(self, name_or_id: str | None) -> Workspace:
        """Without a name or id, the oldest that the key sees. Raises ValidationError."""
        rows = bound_rows(self.actor, Workspace.objects.all(), WORKSPACE_LOOKUPS).order_by("pk")
        if name_or_id:
            try:
                rows = rows.filter(pk=UUID(name_or_id))
            except ValueError:
                rows = rows.filter(name=name_or_id)
        workspace: Workspace | None = rows.first()
        if workspace is None:
            absent = "There is no workspace yet: make one first."
            message = f"There is no workspace '{name_or_id}'." if name_or_id else absent
            raise serializers.ValidationError({"metadata": message})
        return workspace
