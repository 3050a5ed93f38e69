"""Documents over REST."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiRequest, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.events import EventsRenderer, EventStream, follow, has_seen
from core.api.multipart import PathParser
from core.api.schema.operations import IF_NONE_MATCH_HELP, header_parameter
from core.api.serializers import ObjectField, RelatedField, StrictSerializer
from core.api.views import READ, ReadViewSet
from core.downloads import MEDIA_TYPE, part_of_text
from core.isolation.scope import tenant_scope
from core.isolation.time_limits import BULK_REQUEST, time_limits
from core.permissions import Role
from core.request_work import bulk_slots
from knowledge.api.bulk import BulkSerializer, BulkTagsSerializer, selected_ids
from knowledge.api.changes import ChangesMixin
from knowledge.api.chunks import IngestionJobSerializer
from knowledge.api.document_filters import DocumentFilters
from knowledge.api.document_serializers import DocumentSerializer
from knowledge.api.uploads import UploadSerializer, UploadsSerializer
from knowledge.bound_lookups import REFERENCE_LOOKUPS, lookups_through
from knowledge.errors import DocumentNotFailedError
from knowledge.models import Document, DocumentStatus, DocumentTag, IngestionJob, JobKind, Reference
from knowledge.queueing import row_versions
from knowledge.services.adding import Added, OnConflict, add_documents
from knowledge.services.changing import delete_documents, reindex_documents, retry_documents
from knowledge.services.editing import DocumentChanges, change_document
from knowledge.services.originals import open_original
from knowledge.services.reading import record_document_reads
from knowledge.services.tags import tag_documents, untag_documents
from knowledge.storage.uploads import local_uploads

EDITOR_POSTS = {"POST": Role.EDITOR}
FINAL_STATUSES = (DocumentStatus.DONE, DocumentStatus.ERROR)
RANGE = header_parameter("Range", "The bytes that you want, as in `bytes=0-1023`. The answer is 206.")
IF_NONE_MATCH = header_parameter("If-None-Match", IF_NONE_MATCH_HELP)
UPLOAD = OpenApiRequest(UploadSerializer, encoding={"metadata": {"contentType": "application/json"}})
EVENT_SCHEMA = {
    "type": "string",
    "description": "Server-sent events. `data` is JSON, with `document` and `job`, or `deleted`.",
}


class DocumentChangeSerializer(StrictSerializer):
    """What is not given stays as it is."""

    filename = serializers.CharField(max_length=255, required=False)
    reference = RelatedField(
        queryset=Reference.objects,
        required=False,
        help_text="Moves it, within its workspace. It is found again when its passages have been made anew; tags of single"
        " passages are lost.",
    )
    metadata = ObjectField(required=False, help_text="Takes the place of the present ones.")
    merge_metadata = ObjectField(required=False, help_text="Is added to them; null removes a key.")
    tags = serializers.ListField(
        child=serializers.CharField(max_length=255),
        required=False,
        help_text="All that it has then, by name.",
    )


class CountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="How many documents were changed.")


class TextSerializer(serializers.Serializer[Any]):
    generation = serializers.IntegerField()
    text = serializers.CharField()


class OriginalRenderer(JSONRenderer):
    """For clients that accept only the original, which is streamed. Problems are JSON."""

    media_type = MEDIA_TYPE


class TextRenderer(JSONRenderer):
    """For clients that accept only a plain text. Problems are JSON."""

    media_type = "text/plain"


class DocumentViewSet(ChangesMixin, ReadViewSet):
    """The documents of references, newest first."""

    model = Document
    area = "knowledge"
    roles = {**READ, **EDITOR_POSTS, "PATCH": Role.EDITOR, "DELETE": Role.EDITOR}
    bound_by = lookups_through("reference")
    serializer_class = DocumentSerializer
    filterset_class = DocumentFilters
    ordering_fields = ["created_at", "filename", "size_bytes"]

    def get_queryset(self) -> QuerySet[Any]:
        tags = DocumentTag.objects.select_related("tag").order_by("tag__tag")
        return super().get_queryset().defer("text").prefetch_related(Prefetch("document_tags", tags))

    @extend_schema(request={"multipart/form-data": UPLOAD}, responses={202: UploadsSerializer})
    @action(
        detail=False,
        methods=["post"],
        roles=EDITOR_POSTS,
        serializer_class=UploadSerializer,
        parser_classes=(PathParser,),
        opens_own_scopes=True,
    )
    def upload(self, request: Request) -> Response:
        """Add files, or replace those of the same names. They are read in the background."""
        with tenant_scope(self.actor.tenant_id):
            data = self._validated_data(request)
            reference_id = data["reference"].pk
            self.check_bound(Reference.objects.filter(pk=reference_id), REFERENCE_LOOKUPS)
        conflict = OnConflict(data["on_conflict"])
        with local_uploads(data["files"], metadata=data["metadata"], tags=data.get("tags")) as uploads:
            added = add_documents(
                actor=self.actor, reference_id=reference_id, uploads=uploads, on_conflict=conflict
            )
        with tenant_scope(self.actor.tenant_id):
            return Response({"results": self._upload_results(added)}, status=202)

    @extend_schema(request=DocumentChangeSerializer, responses={200: DocumentSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename it, move it, or change its metadata and tags.

        Its passages are made anew in the background, but for tags, which they have at once."""
        document = self.get_object()
        serializer = DocumentChangeSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        changes = DocumentChanges(
            filename=data.get("filename"),
            reference_id=data["reference"].pk if "reference" in data else None,
            metadata=data.get("metadata"),
            merged=data.get("merge_metadata", {}),
            tags=data.get("tags"),
        )
        change_document(actor=self.actor, document_id=document.pk, changes=changes)
        return Response(DocumentSerializer(self.get_queryset().get(pk=document.pk)).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Hidden at once; passages, vectors and file are removed in the background."""
        delete_documents(actor=self.actor, document_ids=[self.get_object().pk])
        return Response(status=204)

    @extend_schema(request=None, responses={202: DocumentSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS)
    def retry(self, request: Request, pk: str) -> Response:
        """Try a document in error again.

        For one that is not in error, the answer is 409."""
        if self.get_object().processed_status != DocumentStatus.ERROR:
            raise DocumentNotFailedError
        return self._requeue(retry_documents)

    @extend_schema(request=None, responses={202: DocumentSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS)
    def reindex(self, request: Request, pk: str) -> Response:
        """Make the passages anew, with today's rules, tags and model."""
        return self._requeue(reindex_documents)

    @extend_schema(
        parameters=[RANGE],
        responses={
            200: TextSerializer,
            (200, "text/plain"): OpenApiTypes.STR,
            (206, "text/plain"): OpenApiTypes.STR,
        },
    )
    @action(detail=True, methods=["get"], roles=READ, renderer_classes=(JSONRenderer, TextRenderer))
    def text(self, request: Request, pk: str) -> HttpResponseBase:
        """The plain text that passages are parts of.

        With `Accept: text/plain`, it is the text itself, or a part of it."""
        document = self.get_object()
        record_document_reads(actor=self.actor, document_ids=[document.pk])
        if request.accepted_renderer.media_type == TextRenderer.media_type:
            return part_of_text(document.text, request.headers)
        return Response({"generation": document.generation, "text": document.text})

    @extend_schema(
        parameters=[RANGE, IF_NONE_MATCH],
        responses={(code, OriginalRenderer.media_type): OpenApiTypes.BINARY for code in (200, 206)},
    )
    @action(
        detail=True,
        methods=["get"],
        roles=READ,
        renderer_classes=(JSONRenderer, OriginalRenderer),
        opens_own_scopes=True,
    )
    def content(self, request: Request, pk: str) -> HttpResponseBase:
        """Download the original, or a part of it."""
        with tenant_scope(self.actor.tenant_id):
            document = self.get_object()
        return open_original(actor=self.actor, owner=document, headers=request.headers)

    @extend_schema(
        parameters=[header_parameter("Last-Event-ID", "The `id` of the last event that you have.")],
        responses={(200, EventsRenderer.media_type): EVENT_SCHEMA, 204: None},
    )
    @action(
        detail=True,
        methods=["get"],
        roles=READ,
        renderer_classes=(JSONRenderer, EventsRenderer),
        opens_own_scopes=True,
    )
    def events(self, request: Request, pk: str) -> HttpResponseBase:
        """Follow how it is read.

        Server-sent events: the document and its job, each time one changes and at least every 15 seconds, until it is over.
        A browser that then connects again gets a 204, and stops.
        """
        with tenant_scope(self.actor.tenant_id):
            document = self.get_object()
        if document.processed_status in FINAL_STATUSES and has_seen(request.headers, document.changed_in):
            return HttpResponse(status=204)
        return EventStream(
            follow(self._progress, version=self._progress_version, is_allowed=self.is_still_allowed)
        )

    @extend_schema(responses={200: CountSerializer})
    @action(
        detail=False,
        methods=["post"],
        roles=EDITOR_POSTS,
        url_path="tag",
        serializer_class=BulkTagsSerializer,
        opens_own_scopes=True,
    )
    def tag(self, request: Request) -> Response:
        """Give many documents some tags."""
        return self._change_many(request, tag_documents)

    @extend_schema(responses={200: CountSerializer})
    @action(
        detail=False,
        methods=["post"],
        roles=EDITOR_POSTS,
        serializer_class=BulkTagsSerializer,
        opens_own_scopes=True,
    )
    def untag(self, request: Request) -> Response:
        """Take some tags from many documents."""
        return self._change_many(request, untag_documents)

    @extend_schema(responses={200: CountSerializer})
    @action(
        detail=False,
        methods=["post"],
        roles=EDITOR_POSTS,
        url_path="delete",
        serializer_class=BulkSerializer,
        opens_own_scopes=True,
    )
    def delete_many(self, request: Request) -> Response:
        """Delete many documents."""
        return self._change_many(request, delete_documents)

    @extend_schema(responses={200: CountSerializer})
    @action(
        detail=False,
        methods=["post"],
        roles=EDITOR_POSTS,
        url_path="reindex",
        serializer_class=BulkSerializer,
        opens_own_scopes=True,
    )
    def reindex_many(self, request: Request) -> Response:
        """Re-index many documents."""
        return self._change_many(request, reindex_documents)

    def _validated_data(self, request: Request) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        return data

    def _requeue(self, service: Callable[..., int]) -> Response:
        document = self.get_object()
        service(actor=self.actor, document_ids=[document.pk])
        document.refresh_from_db(fields=["processed_status", "error_code", "error_detail", "updated_at"])
        return Response(DocumentSerializer(document).data, status=202)

    def _change_many(self, request: Request, service: Callable[..., int]) -> Response:
        data = self._validated_data(request)
        arguments = {name: value for name, value in data.items() if name not in ("ids", "filter")}
        tenant_id = self.actor.tenant_id
        with bulk_slots().hold(tenant_id), time_limits(BULK_REQUEST), tenant_scope(tenant_id):
            batches = selected_ids(self, data)
            count = sum(service(actor=self.actor, document_ids=ids, **arguments) for ids in batches)
        return Response({"count": count})

    def _progress(self) -> tuple[dict[str, Any], int | None]:
        """The document and its newest ingestion; of a final state its position, too."""
        with tenant_scope(self.actor.tenant_id):
            document = self.get_queryset().filter(pk=self.kwargs["pk"]).first()
            jobs = IngestionJob.objects.filter(document=self.kwargs["pk"], kind=JobKind.INGEST)
            job = jobs.order_by("-created_at").first()
        if document is None:
            return {"deleted": True}, 0
        state = {
            "document": DocumentSerializer(document).data,
            "job": IngestionJobSerializer(job).data if job else None,
        }
        return state, document.changed_in if document.processed_status in FINAL_STATUSES else None

    def _progress_version(self) -> Hashable:
        with tenant_scope(self.actor.tenant_id):
            return row_versions(self.kwargs["pk"])

    def _upload_results(self, added: list[Added]) -> list[dict[str, Any]]:
        """Each with the oldest document that has the same bytes; without those that were deleted meanwhile."""
        ids = [document.document_id for document in added]
        documents = Document.objects.defer("text").in_bulk(ids)
        digests = {document.sha256 for document in documents.values()}
        rows = self.get_queryset().filter(sha256__in=digests).order_by("-created_at", "-pk")
        oldest = dict(rows.values_list("sha256", "pk"))
        results = []
        for document in added:
            if stored := documents.get(document.document_id):
                first = oldest.get(stored.sha256)
                results.append(
                    {
                        "id": document.document_id,
                        "external_id": document.external_id,
                        "filename": stored.filename,
                        "processed_status": stored.processed_status,
                        "outcome": document.outcome,
                        "replaced_sha256": document.replaced_sha256,
                        "duplicate_of": None if first == stored.pk else first,
                    }
                )
        return results
