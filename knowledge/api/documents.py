"""Documents over REST: uploaded, followed, changed in bulk, downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.events import EventsRenderer, EventStream, follow
from core.api.serializers import TIMES, ObjectField, OylSerializer, StrictSerializer
from core.api.views import READ, ReadViewSet
from core.downloads import MEDIA_TYPE, Download
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.api.bulk import BulkSerializer, BulkTagsSerializer, chosen
from knowledge.api.chunks import IngestionJobSerializer
from knowledge.bound_lookups import OF_REFERENCE, bound_through
from knowledge.models import Document, DocumentStatus, IngestionJob, Reference
from knowledge.services import documents, tags
from knowledge.services.originals import open_original
from knowledge.storage.uploads import local_uploads

EDIT = {"POST": Role.EDITOR}
OVER = (DocumentStatus.DONE, DocumentStatus.ERROR)
EVENT = {
    "type": "object",
    "description": "Of each event; `data` is JSON, with `document` and `job`, or `deleted`.",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["event", "data"],
}
FILTERS = {
    "reference": ["exact"],
    "container": ["exact"],
    "filename": ["exact"],
    "external_id": ["exact"],
    "processed_status": ["exact"],
    "error_code": ["exact"],
    "mime_type": ["exact"],
    "sha256": ["exact"],
    "document_tags__tag": ["exact"],
    "created_at": ["gte", "lt"],
}


class DocumentSerializer(OylSerializer[Document]):
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
            *TIMES,
        )
        read_only_fields = fields


class UploadSerializer(StrictSerializer):
    reference = serializers.PrimaryKeyRelatedField[Reference](
        queryset=Reference.objects, help_text="The library that the documents belong to."
    )
    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        min_length=1,
        max_length=100,
        help_text="One part named `files` for each file. A name that the reference has already replaces that document. "
        'A file `NAME.meta.json` with {"metadata": {…}, "tags": […]} says these of the file `NAME` beside it.',
    )
    metadata = ObjectField(
        required=False,
        default=dict,
        help_text="A JSON object for all of these documents, to filter searches by.",
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=255),
        required=False,
        help_text="One part for each tag of all of these.",
    )


class UploadedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in documents.UploadOutcome])
    duplicate_of = serializers.UUIDField(
        allow_null=True, help_text="The oldest other document that has the same bytes."
    )


class UploadsSerializer(serializers.Serializer[Any]):
    results = UploadedSerializer(many=True)


class CountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="How many documents were changed.")


class TextSerializer(serializers.Serializer[Any]):
    generation = serializers.IntegerField()
    text = serializers.CharField()


class OriginalRenderer(JSONRenderer):
    """For those who accept nothing but the original: it is streamed, and problems are JSON as ever."""

    media_type = MEDIA_TYPE


class DocumentViewSet(ReadViewSet):
    """The documents of references, newest first."""

    model = Document
    area = "knowledge"
    roles = {**READ, **EDIT, "DELETE": Role.EDITOR}
    bound_by = bound_through("reference")
    serializer_class = DocumentSerializer
    filterset_fields = FILTERS
    ordering_fields = ["created_at", "filename", "size_bytes"]

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().defer("text")

    @extend_schema(responses={202: UploadsSerializer})
    @action(
        detail=False,
        methods=["post"],
        roles=EDIT,
        serializer_class=UploadSerializer,
        parser_classes=(MultiPartParser,),
        opens_own_scopes=True,
    )
    def upload(self, request: Request) -> Response:
        """Add files, or replace those of the same names. They are read in the background."""
        with tenant_scope(self.actor.tenant_id):
            given = self._given(request)
            self.check_bound(Reference.objects.filter(pk=given["reference"].pk), OF_REFERENCE)
        with local_uploads(given["files"], metadata=given["metadata"], tags=given.get("tags")) as uploads:
            added = documents.add_documents(
                actor=self.actor, reference_id=given["reference"].pk, uploads=uploads
            )
        with tenant_scope(self.actor.tenant_id):
            return Response({"results": self._uploaded(added)}, status=202)

    def destroy(self, request: Request, pk: str) -> Response:
        """Hidden at once; passages, vectors and file are removed in the background."""
        documents.delete_documents(actor=self.actor, document_ids=[self.get_object().pk])
        return Response(status=204)

    @extend_schema(request=None, responses={202: DocumentSerializer})
    @action(detail=True, methods=["post"], roles=EDIT)
    def retry(self, request: Request, pk: str) -> Response:
        """Try a document in error again."""
        return self._anew(documents.retry_documents)

    @extend_schema(request=None, responses={202: DocumentSerializer})
    @action(detail=True, methods=["post"], roles=EDIT)
    def reindex(self, request: Request, pk: str) -> Response:
        """Make the passages anew, with today's rules, tags and model."""
        return self._anew(documents.reindex_documents)

    @extend_schema(responses={200: TextSerializer})
    @action(detail=True, methods=["get"], roles=READ)
    def text(self, request: Request, pk: str) -> Response:
        """The plain text that passages are parts of."""
        document = self.get_object()
        return Response({"generation": document.generation, "text": document.text})

    @extend_schema(responses={(200, OriginalRenderer.media_type): OpenApiTypes.BINARY})
    @action(
        detail=True,
        methods=["get"],
        roles=READ,
        renderer_classes=(JSONRenderer, OriginalRenderer),
        opens_own_scopes=True,
    )
    def content(self, request: Request, pk: str) -> Download:
        """Download the original."""
        with tenant_scope(self.actor.tenant_id):
            document = self.get_object()
        return open_original(actor=self.actor, owner=document)

    @extend_schema(responses={(200, EventsRenderer.media_type): EVENT})
    @action(
        detail=True,
        methods=["get"],
        roles=READ,
        renderer_classes=(JSONRenderer, EventsRenderer),
        opens_own_scopes=True,
    )
    def events(self, request: Request, pk: str) -> EventStream:
        """Follow how it is read.

        Server-sent events: the document and its job, each time one changes and at least every 15 seconds, until it is over.
        """
        with tenant_scope(self.actor.tenant_id):
            self.get_object()
        return EventStream(follow(self._progress))

    @extend_schema(responses={200: CountSerializer})
    @action(detail=False, methods=["post"], roles=EDIT, url_path="tag", serializer_class=BulkTagsSerializer)
    def tag(self, request: Request) -> Response:
        """Give many documents some tags."""
        return self._in_bulk(request, tags.tag_documents)

    @extend_schema(responses={200: CountSerializer})
    @action(detail=False, methods=["post"], roles=EDIT, serializer_class=BulkTagsSerializer)
    def untag(self, request: Request) -> Response:
        """Take some tags from many documents."""
        return self._in_bulk(request, tags.untag_documents)

    @extend_schema(responses={200: CountSerializer})
    @action(detail=False, methods=["post"], roles=EDIT, url_path="delete", serializer_class=BulkSerializer)
    def delete_many(self, request: Request) -> Response:
        """Delete many documents."""
        return self._in_bulk(request, documents.delete_documents)

    @extend_schema(responses={200: CountSerializer})
    @action(detail=False, methods=["post"], roles=EDIT, url_path="reindex", serializer_class=BulkSerializer)
    def reindex_many(self, request: Request) -> Response:
        """Re-index many documents."""
        return self._in_bulk(request, documents.reindex_documents)

    def _given(self, request: Request) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given: dict[str, Any] = serializer.validated_data
        return given

    def _anew(self, service: Callable[..., int]) -> Response:
        document = self.get_object()
        service(actor=self.actor, document_ids=[document.pk])
        document.refresh_from_db(fields=["processed_status", "error_code", "error_detail", "updated_at"])
        return Response(DocumentSerializer(document).data, status=202)

    def _in_bulk(self, request: Request, service: Callable[..., int]) -> Response:
        given = self._given(request)
        facts = {name: value for name, value in given.items() if name not in ("ids", "filter")}
        done = (service(actor=self.actor, document_ids=some, **facts) for some in chosen(self, given))
        return Response({"count": sum(done)})

    def _progress(self) -> tuple[dict[str, Any], bool]:
        """The document and its newest job, and whether they will not change any more."""
        with tenant_scope(self.actor.tenant_id):
            document = self.get_queryset().filter(pk=self.kwargs["pk"]).first()
            job = IngestionJob.objects.filter(document=self.kwargs["pk"]).order_by("-created_at").first()
        if document is None:
            return {"deleted": True}, True
        state = {
            "document": DocumentSerializer(document).data,
            "job": IngestionJobSerializer(job).data if job else None,
        }
        return state, document.processed_status in OVER

    def _uploaded(self, added: list[documents.Added]) -> list[dict[str, Any]]:
        """With the oldest other document, if any, that has the same bytes."""
        mine = [one.document_id for one in added]
        digests = dict(Document.objects.filter(pk__in=mine).values_list("pk", "sha256"))
        same = self.get_queryset().filter(sha256__in=digests.values()).order_by("created_at", "pk")
        found: dict[str, list[UUID]] = {}
        for pk, sha256 in same.values_list("pk", "sha256"):
            found.setdefault(sha256, []).append(pk)
        return [
            {
                "id": one.document_id,
                "external_id": one.external_id,
                "outcome": one.outcome,
                "duplicate_of": next(
                    (pk for pk in found.get(digests[one.document_id], ()) if pk != one.document_id), None
                ),
            }
            for one in added
            if one.document_id in digests  # nobody has deleted it meanwhile
        ]
