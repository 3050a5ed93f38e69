"""What the pipeline made: jobs, chunks and their vectors. Read-only, but for tags by hand."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db import models
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from core.admin import ReadOnlyInline, UncountedAdmin, action, actor_of, display, has_role, show_domain_errors
from core.permissions import Role
from jobs.admin import JobDisplay
from knowledge.admin.in_document import in_document_page
from knowledge.admin.tagging import tagging_of_chunk, tagging_page
from knowledge.models import Chunk, Embedding, IngestionJob, TagLink
from knowledge.services.reading import record_document_reads


class ChunkDisplay:
    """Columns of chunks."""

    @display(description="Passage")
    def beginning(self, obj: Chunk) -> SafeString:
        return format_html('<div class="oyl-beginning">{}</div>', obj.text)

    @display(description="Page", ordering="page")
    def pages(self, obj: Chunk) -> str:
        is_one = obj.page in (None, obj.last_page) or obj.last_page is None
        return str(obj.page or "–") if is_one else f"{obj.page}–{obj.last_page}"

    @display(description="Heading")
    def heading(self, obj: Chunk) -> str:
        return " › ".join(obj.heading_path) or "–"


class ChunkInline(ChunkDisplay, ReadOnlyInline):
    """Those of the published generation, fifty to a page."""

    model = Chunk
    verbose_name_plural = "Passages"
    tab = True
    per_page = 50
    fields = ["number", "pages", "heading", "beginning", "tag_list"]
    readonly_fields = ["number", "pages", "heading", "beginning", "tag_list"]
    ordering = ["position"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request).filter(generation=F("document__generation"))
        return rows.prefetch_related("tag_links__tag")

    @display(description="#")
    def number(self, obj: Chunk) -> SafeString:
        url = reverse("admin:knowledge_chunk_change", args=[obj.pk])
        return format_html('<a class="font-medium text-primary-600" href="{}">{}</a>', url, obj.position + 1)

    @display(description="Tags", empty_value="–")
    def tag_list(self, obj: Chunk) -> SafeString:
        return format_html_join(
            " ",
            '<span class="oyl-tag" title="{}, confidence {}">{}</span>',
            (
                (link.get_source_display(), f"{link.confidence:.2f}", link.tag.tag)
                for link in obj.tag_links.all()
            ),
        )


class IngestionJobDisplay(JobDisplay):
    """Columns of ingestion jobs."""

    @display(description="Passages")
    def counted(self, obj: IngestionJob) -> str:
        return f"{obj.chunks_done} of {obj.chunks_total}"


class TagLinkInline(ReadOnlyInline):
    model = TagLink
    verbose_name_plural = "Tags"
    fields = ["tag", "source", "confidence"]
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("tag", "chunk")


@admin.register(Chunk)
class ChunkAdmin(ChunkDisplay, UncountedAdmin):
    list_display = ["beginning", "document", "pages", "heading", "token_count"]
    list_select_related = ["document"]
    list_reads = ("text",)
    list_filter = [("document", AutocompleteSelectFilter)]
    ordering = ["id"]
    fields = [
        "document",
        ("pages", "heading"),
        "full_text",
        ("start", "end", "token_count", "language"),
        "generation",
    ]
    readonly_fields = ["full_text", "heading"]
    inlines = [TagLinkInline]
    actions_detail = ["in_document", "tag_one"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).defer("document__text")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page: Any = super().changelist_view(request, extra_context)
        if changes := (getattr(page, "context_data", None) or {}).get("cl"):
            ids = [chunk.document_id for chunk in changes.result_list]
            record_document_reads(actor=actor_of(request), document_ids=ids)
        return cast(HttpResponse, page)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        chunk = super().get_object(request, object_id, from_field)
        if chunk:
            record_document_reads(actor=actor_of(request), document_ids=[chunk.document_id])
        return chunk

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """In reading order when filtered by a document, else by primary key, as indexed."""
        return ["generation", "position"] if any("document" in name for name in request.GET) else ["id"]

    @action(description="In its document", url_path="in-document", icon="find_in_page", permissions=["view"])
    def in_document(self, request: HttpRequest, object_id: str) -> HttpResponse:
        chunk = self.get_object(request, object_id)
        if chunk is None:
            return self.not_found_redirect(request, object_id)
        return in_document_page(self, request, chunk)

    @action(description="Tags", url_path="tags", icon="sell", permissions=["tag"])
    @show_domain_errors
    def tag_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        chunk = self.get_object(request, object_id)
        if chunk is None:
            return self.not_found_redirect(request, object_id)
        change_page = HttpResponseRedirect(reverse("admin:knowledge_chunk_change", args=[chunk.pk]))
        return tagging_page(self, request, tagging_of_chunk(chunk)) or change_page

    def has_tag_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return has_role(request, Role.EDITOR)

    @display(description="Text")
    def full_text(self, obj: Chunk) -> SafeString:
        return format_html('<div class="oyl-text">{}</div>', obj.text)


@admin.register(Embedding)
class EmbeddingAdmin(UncountedAdmin):
    list_display = ["vector_ref", "model", "created_at"]
    ordering = ["id"]
    fields = ["chunk", "model", "vector_ref", "created_at"]


@admin.register(IngestionJob)
class IngestionJobAdmin(IngestionJobDisplay, UncountedAdmin):
    list_display = [
        "document",
        "kind",
        "state_badge",
        "stage",
        "attempt",
        "counted",
        "error_detail",
        "updated_at",
    ]
    list_select_related = ["document"]
    list_filter = ["state", "kind", "stage"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).defer("document__text")
