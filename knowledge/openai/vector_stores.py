"""References as vector stores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.openai.fields import IdField, PairsField
from core.api.openai.ids import as_id
from core.api.openai.views import OpenAIViewSet, RejectsExpiry, validated
from core.api.views import BoundLookups, bound_rows
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.permissions import Role
from knowledge.bound_lookups import OF_REFERENCE
from knowledge.models import Document, DocumentStatus, Reference
from knowledge.openai.attachments import attachments
from knowledge.openai.ids import STORE
from knowledge.services import libraries
from knowledge.services.stored_files import attach_files
from workspaces.models import Workspace

MOST_FILES = 500
STATES = {
    DocumentStatus.PENDING: "in_progress",
    DocumentStatus.PROCESSING: "in_progress",
    DocumentStatus.DONE: "completed",
    DocumentStatus.ERROR: "failed",
}
OF_WORKSPACE: BoundLookups = {
    "workspace": ("pk",),
    "reference": ("references",),
    "assistant": ("assistants",),
}


def file_counts(states: Counter[str], *, cancelled: int = 0) -> dict[str, int]:
    counts = {state: states[state] for state in ("in_progress", "completed", "failed")}
    return {**counts, "cancelled": cancelled, "total": sum(counts.values()) + cancelled}


def count_files(references: Iterable[Reference]) -> None:
    """Note of each how many files of which state it has, and of how many bytes."""
    states: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    sizes: Counter[UUID] = Counter()
    rows = Document.objects.filter(reference__in=list(references)).order_by()
    tally = rows.values_list("reference_id", "processed_status").annotate(Count("pk"), Sum("size_bytes"))
    for pk, status, count, size in tally:
        states[pk][STATES[DocumentStatus(status)]] += count
        sizes[pk] += size
    for one in references:
        one.file_states, one.usage_bytes = states[one.pk], sizes[one.pk]  # type: ignore[attr-defined]


class VectorStoreSerializer(serializers.BaseSerializer[Any]):
    """Its workspace is among what is noted of it."""

    def to_representation(self, row: Any) -> dict[str, Any]:
        if not hasattr(row, "file_states"):
            count_files([row])
        return {
            "id": as_id(STORE, row.pk),
            "object": "vector_store",
            "created_at": int(row.created_at.timestamp()),
            "name": row.name,
            "description": row.description,
            "usage_bytes": row.usage_bytes,
            "file_counts": file_counts(row.file_states),
            "status": "in_progress" if row.file_states["in_progress"] else "completed",
            "expires_after": None,
            "expires_at": None,
            "last_active_at": int(row.updated_at.timestamp()),
            "metadata": {**row.metadata_json, "workspace": row.workspace.name},
        }


class VectorStoreRequestSerializer(RejectsExpiry):
    name = serializers.CharField(required=False, allow_null=True, max_length=255)
    description = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    metadata = PairsField()


class NewVectorStoreRequestSerializer(VectorStoreRequestSerializer):
    file_ids = serializers.ListField(child=IdField(), required=False, max_length=MOST_FILES)


class VectorStoreViewSet(OpenAIViewSet, AuditedViewSet):
    """References, newest first."""

    area = "knowledge"
    model = Reference
    roles = {"GET": Role.VIEWER, "POST": Role.EDITOR, "DELETE": Role.EDITOR}
    bound_by = OF_REFERENCE
    serializer_class = VectorStoreSerializer

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset().select_related("workspace")
        return rows.select_for_update(of=("self",)) if self.action == "modify" else rows

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        count_files(page or [])
        return page

    def create(self, request: Request, **kwargs: Any) -> Response:
        given = validated(NewVectorStoreRequestSerializer, request.data)
        metadata = given.get("metadata") or {}
        with tenant_scope(self.actor.tenant_id):
            files = attachments(self.actor, {pk: {} for pk in given.get("file_ids", ())})
            workspace = self._workspace(metadata.pop("workspace", None))
            name = given.get("name") or f"Vector store {new_id().hex[-8:]}"
            store: Reference = self.saved(
                Reference(
                    workspace=workspace,
                    name=name,
                    description=given.get("description") or "",
                    metadata_json=metadata,
                )
            )
        if files:
            attach_files(actor=self.actor, reference_id=store.pk, attachments=files)
        with tenant_scope(self.actor.tenant_id):
            return Response(VectorStoreSerializer(store).data)

    def modify(self, request: Request, **kwargs: Any) -> Response:
        given, store = validated(VectorStoreRequestSerializer, request.data), self.get_object()
        if "metadata" in given:
            store.metadata_json = given["metadata"] or {}
            _check_stays(store.workspace, store.metadata_json.pop("workspace", None))
        store.name = given.get("name") or store.name
        store.description = given.get("description", store.description) or ""
        return Response(VectorStoreSerializer(self.saved(store)).data)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        store = self.get_object()
        libraries.delete_references(actor=self.actor, references=[store])
        return Response({"id": as_id(STORE, store.pk), "object": "vector_store.deleted", "deleted": True})

    def _workspace(self, named: str | None) -> Workspace:
        """By name or id; the oldest that the key may see, unless one is named."""
        mine = bound_rows(self.actor, Workspace.objects.all(), OF_WORKSPACE).order_by("pk")
        found: Workspace | None = (mine.filter(_named(named)) if named else mine).first()
        if found is None:
            told = (
                f"There is no workspace '{named}'." if named else "There is no workspace yet: make one first."
            )
            raise serializers.ValidationError({"metadata": told})
        return found


def _named(name_or_id: str) -> Q:
    try:
        return Q(pk=UUID(name_or_id))
    except ValueError:
        return Q(name=name_or_id)


def _check_stays(workspace: Workspace, named: str | None) -> None:
    if named not in (None, workspace.name, str(workspace.pk)):
        raise serializers.ValidationError({"metadata": "A vector store stays in its workspace."})
