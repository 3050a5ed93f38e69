"""Files that are uploaded in parts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.bound_rows import bound_rows
from core.api.openai.fields import IdField
from core.api.openai.ids import as_id
from core.api.openai.views import OpenAIViewSet, RejectsExpiry, validated
from core.api.serializers import TypedSerializer
from core.isolation.scope import tenant_scope
from core.permissions import Role, bound_kinds
from knowledge.models import FileUpload, StoredFile, UploadPart
from knowledge.openai.files import FILE_LOOKUPS, PURPOSES, FileSerializer
from knowledge.openai.ids import PART, UPLOAD
from knowledge.services import file_uploads

ROLES = {"GET": Role.VIEWER, "POST": Role.EDITOR}


class UploadSerializer(serializers.BaseSerializer[FileUpload]):
    def to_representation(self, row: FileUpload) -> dict[str, Any]:
        file = StoredFile.objects.filter(pk=row.pk).first() if row.completed_at else None
        return {
            "id": as_id(UPLOAD, row.pk),
            "object": "upload",
            "bytes": row.size_bytes,
            "created_at": int(row.created_at.timestamp()),
            "expires_at": int(row.expires_at.timestamp()),
            "filename": row.filename,
            "purpose": row.purpose,
            "status": row.state,
            "file": file and FileSerializer(file).data,
        }


class UploadRequestSerializer(RejectsExpiry):
    """The type of a file is found by its content and name: `mime_type` is ignored."""

    filename = serializers.CharField(max_length=255)
    purpose = serializers.ChoiceField(choices=PURPOSES)
    bytes = serializers.IntegerField(min_value=0, max_value=file_uploads.MAX_BYTES)


class CompletionSerializer(TypedSerializer):
    part_ids = serializers.ListField(child=IdField(), max_length=UploadPart.limit.rows)
    md5 = serializers.RegexField(r"^[0-9A-Fa-f]{32}\Z", required=False, allow_null=True)


class PartRequestSerializer(TypedSerializer):
    data = serializers.FileField(allow_empty_file=True)  # type: ignore[assignment]


class UploadViewSet(OpenAIViewSet):
    """What a bound key uploads belongs to what it is bound to."""

    area = "knowledge"
    model = FileUpload
    roles = ROLES
    bound_by = FILE_LOOKUPS
    serializer_class = UploadSerializer

    def create(self, request: Request) -> Response:
        data = validated(UploadRequestSerializer, request.data)
        upload = file_uploads.create_upload(
            actor=self.actor, filename=data["filename"], purpose=data["purpose"], size_bytes=data["bytes"]
        )
        return Response(UploadSerializer(upload).data)

    def complete(self, request: Request, **kwargs: Any) -> Response:
        """A completed upload is not completed again, so that a client whose connection has failed can repeat the request."""
        upload = self._found()
        data = validated(CompletionSerializer, request.data)
        if not upload.completed_at:
            file_uploads.complete_upload(
                actor=self.actor, upload=upload, part_ids=data["part_ids"], md5=data.get("md5") or ""
            )
        return self._shown(upload)

    def cancel(self, request: Request, **kwargs: Any) -> Response:
        upload = self._found()
        if not upload.cancelled_at:
            file_uploads.cancel_upload(actor=self.actor, upload=upload)
        return self._shown(upload)

    def _found(self) -> FileUpload:
        with tenant_scope(self.actor.tenant_id):
            upload: FileUpload = self.get_object()
        return upload

    def _shown(self, upload: FileUpload) -> Response:
        with tenant_scope(self.actor.tenant_id):
            return Response(UploadSerializer(upload).data)


class PartSerializer(serializers.BaseSerializer[UploadPart]):
    """`bytes` is not OpenAI's: it lets a client find out which part is which."""

    def to_representation(self, row: UploadPart) -> dict[str, Any]:
        return {
            "id": as_id(PART, row.pk),
            "object": "upload.part",
            "created_at": int(row.created_at.timestamp()),
            "upload_id": as_id(UPLOAD, row.upload_id),
            "bytes": row.size_bytes,
        }


class PartViewSet(OpenAIViewSet):
    """The parts of one upload, in the order in which they arrived."""

    area = "knowledge"
    model = UploadPart
    roles = ROLES
    bound_by = dict.fromkeys(bound_kinds(), ("upload__bound_id",))
    parser_classes = (MultiPartParser,)
    serializer_class = PartSerializer

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(upload=self.upload)

    @property
    def upload(self) -> FileUpload:
        """Inside a scope. Raises Http404."""
        rows = bound_rows(self.actor, FileUpload.objects.all(), FILE_LOOKUPS)
        upload: FileUpload | None = rows.filter(pk=self.kwargs["upload"]).first()
        if upload is None:
            raise Http404
        return upload

    def create(self, request: Request, **kwargs: Any) -> Response:
        with tenant_scope(self.actor.tenant_id):
            upload = self.upload
        data = validated(PartRequestSerializer, request.data)["data"]
        part = file_uploads.add_part(actor=self.actor, upload=upload, data=data)
        return Response(PartSerializer(part).data)
