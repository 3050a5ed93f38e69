"""Documents: their status, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesCheckboxFilter
from unfold.enums import ActionVariant

from core.admin import TenantAdmin, action, actor_of, display, redirect_or_htmx, show_domain_errors
from core.isolation.scope import tenant_scope
from core.requests import opens_own_scopes, takes_files
from knowledge.admin import document_columns
from knowledge.admin.bulk import bulk_page
from knowledge.admin.chunks import ChunkInline
from knowledge.admin.deleting import DeletionPage
from knowledge.admin.document_filters import (
    AddedFromFilter,
    AddedUntilFilter,
    AllTagsFilter,
    AnyTagFilter,
    ErrorFilter,
    KindFilter,
    LanguageFilter,
    NoTagFilter,
    SourceFilter,
    WarningsFilter,
)
from knowledge.admin.document_list import exported
from knowledge.admin.editing import edit_page, replace_page
from knowledge.admin.tagging import tagging_of_documents, tagging_page
from knowledge.admin.text_blocks import text_blocks
from knowledge.admin.timeline import timeline
from knowledge.admin.upload import upload_page
from knowledge.errors import StoredFileMissingError
from knowledge.models import BulkKind, Document, DocumentStatus
from knowledge.services.changing import (
    delete_documents,
    reindex_documents,
    reread_documents,
    retry_documents,
)
from knowledge.services.originals import open_original
from knowledge.services.pictures import has_pictures
from knowledge.services.reading import record_document_reads

PREVIEW_CHARACTERS = 5000
TRASHED = (
    '{} is in the <a class="oyl-link" href="/admin/trash/">trash</a>, where it can be restored for 30 days.'
)
Service = Callable[..., int]
RETRY = {
    "title": "Retry this document?",
    "description": "It is processed once more from the stored file.",
    "form_submit_text": "Retry",
}
REINDEX = {
    "title": "Re-index this document?",
    "description": "It is made anew from the stored file, and answers from its present passages until then.",
    "form_submit_text": "Re-index",
}


REREAD = {
    "title": "Read documents again?",
    "description": "Those that an older version of their reader has read are made anew, behind all other work. They answer "
    "from their present passages until then.",
    "form_submit_text": "Read again",
}


@admin.register(Document)
class DocumentAdmin(DeletionPage, TenantAdmin):
    """A document changes by being uploaded, tagged, retried, re-indexed and deleted; it is never edited."""

    nothing_yet = "Upload files, or let a connector fetch them from where they live."
    list_display = ["file", "reference", "state", "kind", "tag_chips", "size", "updated_at"]
    list_more = ("external_id", "generation")
    list_select_related = ["reference"]
    list_reads = ("error_detail", "warnings")
    list_filter = [
        ("processed_status", ChoicesCheckboxFilter),
        ("reference", AutocompleteSelectFilter),
        KindFilter,
        AnyTagFilter,
        AllTagsFilter,
        NoTagFilter,
        LanguageFilter,
        SourceFilter,
        ErrorFilter,
        WarningsFilter,
        AddedFromFilter,
        AddedUntilFilter,
    ]
    deleted_sentence = TRASHED
    search_fields = ["filename"]
    search_help_text = "Search by file name"
    ordering = ["-created_at"]
    actions = ["tag", "untag", "retry", "reindex", "apply_rules", "move", "export", "trash"]
    actions_list = ["upload", "reread"]
    actions_detail = ["read", "edit", "replace", "download", "tag_one", "retry_one", "reindex_one"]
    show_add_link = False
    readonly_fields = ["state", "kind", "size", "tag_list", "recognised", "preview", "stages"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("filename", "reference"),
                    "state",
                    ("kind", "size"),
                    "tag_list",
                    "metadata_json",
                ]
            },
        ),
        (
            "Origin and versions",
            {
                "classes": ["collapse"],
                "fields": [
                    "external_id",
                    "container",
                    "mime_type",
                    "sha256",
                    "generation",
                    "recognised",
                    "file_metadata_json",
                    "versions",
                ],
            },
        ),
        ("Text", {"fields": ["preview"]}),
        ("Jobs", {"classes": ["collapse"], "fields": ["stages"]}),
    ]
    inlines = [ChunkInline]

    class Media:
        js = ["oyl/live.js", "oyl/pictures.js"]
        css = {"all": ["oyl/reading.css"]}

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = document_columns.with_latest_job(super().get_queryset(request))
        return rows.defer("text").prefetch_related("document_tags__tag")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        document = super().get_object(request, object_id, from_field)
        if document:
            previews = Document.objects.values_list(Left("text", PREVIEW_CHARACTERS), flat=True)
            document.text_preview = previews.get(pk=document.pk)
            record_document_reads(actor=actor_of(request), document_ids=[document.pk])
        return document

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="File", ordering="filename")
    def file(self, obj: Document) -> SafeString:
        folder, _, _ = obj.external_id.rpartition("/")
        return format_html(
            '<span class="oyl-file">{}</span><span class="oyl-note">{}</span>', obj.filename, folder
        )

    @display(description="State", ordering="processed_status")
    def state(self, obj: Document) -> SafeString:
        return document_columns.state(obj)

    @display(description="Type", ordering="mime_type")
    def kind(self, obj: Document) -> SafeString:
        """Empty until the file is parsed; then the page updates it."""
        return format_html('<span data-live="kind-{}">{}</span>', obj.pk, document_columns.kind(obj))

    @display(description="Size", ordering="size_bytes")
    def size(self, obj: Document) -> str:
        return filesizeformat(obj.size_bytes)

    @display(description="Tags")
    def tag_chips(self, obj: Document) -> SafeString:
        return document_columns.chips(obj)

    @display(description="Tags")
    def tag_list(self, obj: Document) -> SafeString:
        return document_columns.chips(obj, with_sources=True)

    @display(description=f"Up to {PREVIEW_CHARACTERS:,} characters")
    def preview(self, obj: Any) -> SafeString:
        context = {
            "document": obj,
            "has_picture": has_pictures(obj),
            "blocks": list(text_blocks(obj.text_preview or "")),
        }
        return render_to_string("admin/knowledge/document/preview.html", context)

    @display(description="Confidence of recognised text")
    def recognised(self, obj: Document) -> str:
        """Of scans and pictures."""
        percent = obj.file_metadata_json.get("ocr_confidence")
        return "–" if percent is None else f"{percent} %"

    @display(description="")
    def stages(self, obj: Document) -> SafeString:
        return timeline(obj.pk)

    # Reading, editing, uploading, downloading

    @action(description="Read", url_path="read", icon="menu_book", permissions=["view"])
    def read(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:read_document", args=[object_id]))

    @action(description="Edit", url_path="edit", icon="edit", permissions=["write"])
    @show_domain_errors
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        document = self.get_object(request, object_id)
        if document is None:
            return self.not_found_redirect(request, object_id)
        return edit_page(self, request, document)

    @action(description="Replace file", url_path="replace", icon="upload_file", permissions=["write"])
    @opens_own_scopes
    @takes_files
    def replace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        with tenant_scope(actor_of(request).tenant_id):
            document = self.get_object(request, object_id)
            if document is None:
                return self.not_found_redirect(request, object_id)
        return replace_page(self, request, document)

    @opens_own_scopes
    @takes_files
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return upload_page(self, request)

    @action(
        description="Upload",
        url_path="upload",
        icon="upload",
        permissions=["add"],
        variant=ActionVariant.PRIMARY,
    )
    def upload(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:knowledge_document_add"))

    @action(description="Download", url_path="download", icon="download", permissions=["view"])
    @opens_own_scopes
    def download(self, request: HttpRequest, object_id: str) -> Any:
        """The original."""
        actor = actor_of(request)
        with tenant_scope(actor.tenant_id):
            document = self.get_object(request, object_id)
            if document is None:
                return self.not_found_redirect(request, object_id)
        try:
            return open_original(actor=actor, owner=document, headers=request.headers)
        except StoredFileMissingError as error:
            messages.error(request, str(error))
            return _to_change_page(object_id)

    # Tags

    @action(description="Tags", url_path="tags", icon="sell", permissions=["write"])
    @show_domain_errors
    def tag_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        document = self.get_object(request, object_id)
        if document is None:
            return self.not_found_redirect(request, object_id)
        return tagging_page(self, request, tagging_of_documents([document])) or _to_change_page(object_id)

    # Retrying, re-indexing, deleting

    @admin.action(description="Retry those that failed", permissions=["write"])
    def retry(self, request: HttpRequest, queryset: models.QuerySet[Document]) -> HttpResponse | None:
        return bulk_page(self, request, queryset, BulkKind.RETRY)

    @admin.action(description="Re-index: make passages anew", permissions=["write"])
    def reindex(self, request: HttpRequest, queryset: models.QuerySet[Document]) -> HttpResponse | None:
        return bulk_page(self, request, queryset, BulkKind.REINDEX)

    @admin.action(description="Apply rules, without reading again", permissions=["write"])
    def apply_rules(self, request: HttpRequest, queryset: models.QuerySet[Document]) -> HttpResponse | None:
        return bulk_page(self, request, queryset, BulkKind.RULES)

    @admin.action(description="Add tags", permissions=["write"])
    def tag(self, request: HttpRequest, queryset: models.QuerySet[Document]) -> HttpResponse | None:
        return bulk_page(self, request, queryset, BulkKind.TAG)

    @admin.action(description="Remove tags", permissions=["write"])
    def untag(self, request: HttpRequest, queryset: models.QuerySet[Document]) -> HttpResponse | None:
        return bulk_page(self, request, queryset, BulkKind.UNTAG)

    @admin.action(description="Move to another reference", permissions=["write"])
    def move(self, request: HttpRequest, queryset: models.QuerySet[Document]) -> HttpResponse | None:
        return bulk_page(self, request, queryset, BulkKind.MOVE)

    @admin.action(description="Delete", permissions=["write"])
    def trash(self, request: HttpRequest, queryset: models.QuerySet[Document]) -> HttpResponse | None:
        return bulk_page(self, request, queryset, BulkKind.DELETE)

    @admin.action(description="Export as CSV", permissions=["view"])
    def export(self, request: HttpRequest, queryset: models.QuerySet[Document]) -> HttpResponse:
        return exported(queryset)

    def get_actions(self, request: HttpRequest) -> Any:
        """Deleting is by `trash`, which is left to a worker where there are many."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @action(description="Retry", url_path="retry", icon="refresh", permissions=["retry"], dialog=RETRY)
    @show_domain_errors
    def retry_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._run(request, object_id, retry_documents)

    @action(description="Re-index", url_path="reindex", icon="cached", permissions=["write"], dialog=REINDEX)
    @show_domain_errors
    def reindex_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._run(request, object_id, reindex_documents)

    @action(
        description="Read again",
        url_path="reread",
        icon="auto_stories",
        permissions=["write"],
        dialog=REREAD,
    )
    @opens_own_scopes
    @show_domain_errors
    def reread(self, request: HttpRequest, form: Any) -> HttpResponse:
        types = [mime_type for kind in document_columns.KINDS.values() for mime_type in kind]
        _show_queued(request, reread_documents(actor=actor_of(request), mime_types=types))
        return redirect_or_htmx(request, reverse("admin:knowledge_document_changelist"))

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only for a document in error."""
        document = self.get_object(request, str(object_id)) if self.has_write_permission(request) else None
        return document is not None and document.processed_status == DocumentStatus.ERROR

    def _run(self, request: HttpRequest, object_id: str, service: Service) -> HttpResponse:
        document = self.get_object(request, object_id)
        if document is None:
            return self.not_found_redirect(request, object_id)
        _show_queued(request, service(actor=actor_of(request), document_ids=[document.pk]))
        return redirect_or_htmx(request, reverse("admin:knowledge_document_change", args=[object_id]))

    def losses(self, obj: Document) -> list[str]:
        members = Document.objects.filter(container=obj.pk).count()
        inside = f"With it go {members} that were found inside it. " if members else ""
        return [
            f"{inside}Searches and assistants do not find it any more. It can be restored from the trash for 30 days."
        ]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_documents(actor=actor_of(request), document_ids=[obj.pk], to_trash=True)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A document is deleted with what was found inside it."""
        members = Document.objects.filter(container__in=[obj.pk for obj in objs])
        names = [*(str(obj) for obj in objs), *members.values_list("filename", flat=True)]
        return names, {"documents": len(names)}, set(), []


def _to_change_page(object_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:knowledge_document_change", args=[object_id]))


def _show_queued(request: HttpRequest, count: int) -> None:
    if count:
        messages.success(request, f"{count} document{' is' if count == 1 else 's are'} queued.")
    else:
        messages.warning(request, "There was nothing to do.")
