"""Files: uploaded, listed, downloaded, deleted."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.bound_rows import BoundLookups, bound_rows
from core.api.openai.views import OpenAIViewSet, RejectsExpiry, validated
from core.isolation.scope import tenant_scope
from core.permissions import Role, bound_kinds
from knowledge.bound_lookups import lookups_through
from knowledge.models import Document, StoredFile
from knowledge.openai.ids import file_id
from knowledge.services import stored_files
from knowledge.services.changing import delete_documents
from knowledge.services.originals import open_original

PURPOSES = ["assistants", "user_data"]
FILE_LOOKUPS: BoundLookups = dict.fromkeys(bound_kinds(), ("bound_id",))


class FileSerializer(serializers.BaseSerializer[StoredFile | Document]):
    """A document that was added through another API is a file, too."""

    def to_representation(self, row: StoredFile | Document) -> dict[str, Any]:
        return {
            "id": file_id(row) if isinstance(row, Document) else row.external_id,
            "object": "file",
            "bytes": row.size_bytes,
            "created_at": int(row.created_at.timestamp()),
            "expires_at": None,
            "filename": row.filename,
            "purpose": PURPOSES[0] if isinstance(row, Document) else row.purpose,
            "status": "processed",
        }


class FileRequestSerializer(RejectsExpiry):
    file = serializers.FileField(allow_empty_file=True, max_length=255)
    purpose = serializers.ChoiceField(choices=PURPOSES)


class FileViewSet(OpenAIViewSet):
    """Uploaded files. What a bound key uploads belongs to what it is bound to."""

    area = "knowledge"
    model = StoredFile
    roles = {"GET": Role.VIEWER, "POST": Role.EDITOR, "DELETE": Role.EDITOR}
    bound_by = FILE_LOOKUPS
    parser_classes = (MultiPartParser,)
    serializer_class = FileSerializer

    def get_queryset(self) -> QuerySet[Any]:
        purpose = self.request.query_params.get("purpose")
        rows = super().get_queryset()
        return rows.filter(purpose__in={purpose} & {*PURPOSES}) if purpose else rows

    def get_object(self) -> StoredFile | Document:
        documents = bound_rows(self.actor, Document.objects.defer("text"), lookups_through("reference"))
        for rows in (self.get_queryset(), documents):
            file: StoredFile | Document | None = rows.filter(pk=self.kwargs["pk"]).first()
            if file is not None:
                return file
        raise Http404

    def create(self, request: Request) -> Response:
        data = validated(FileRequestSerializer, request.data)
        stored = stored_files.store_file(actor=self.actor, file=data["file"], purpose=data["purpose"])
        return Response(self.get_serializer(stored).data)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        file = self.get_object()
        data = {"id": FileSerializer(file).data["id"], "object": "file", "deleted": True}
        if isinstance(file, Document):
            delete_documents(actor=self.actor, document_ids=[file.pk])
        else:
            documents = Document.objects.filter(external_id=file.external_id)
            self.check_bound(documents, lookups_through("reference"))
            stored_files.delete_file(actor=self.actor, stored=file)
        return Response(data)

    def content(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """The original."""
        with tenant_scope(self.actor.tenant_id):
            file = self.get_object()
        return open_original(actor=self.actor, owner=file, headers=request.headers)
