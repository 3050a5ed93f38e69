"""Changing many documents of a list: the chosen ones, or all that its filters leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelect2Widget

from core.actors import Actor
from core.admin import ReadOnlyAdmin, TenantAdmin, actor_of, display
from core.admin.theme import ModelChoiceField
from jobs.admin import JobDisplay
from knowledge.admin.tagging import TagNamesField, known_words
from knowledge.models import BulkChange, BulkKind, Document, Reference
from knowledge.services.bulk_changes import queue_bulk_change
from knowledge.services.changing import delete_documents, reindex_documents, retry_documents
from knowledge.services.tags import tag_documents, untag_documents

# So many are changed while one waits; more are left to a worker.
AT_ONCE = 100
Documents = models.QuerySet[Any]


class TagsForm(forms.Form):
    tags = TagNamesField(help_text="Separated by commas.")


class MoveForm(forms.Form):
    reference: Any = ModelChoiceField(queryset=None, widget=UnfoldAdminSelect2Widget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reference"].queryset = Reference.objects.order_by("name")  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What is asked before; `now` does it at once, unless only a worker does it. Of few documents, one that
    not `asks` needs no confirmation."""

    title: str
    sentence: str
    button: str
    form: type[forms.Form] = forms.Form
    asks: bool = True
    now: Callable[[Actor, list[UUID], dict[str, Any]], int] | None = None


BULKS = {
    BulkKind.RETRY: Bulk(
        title="Retry",
        sentence="Those that failed are read once more from their stored files.",
        button="Retry",
        asks=False,
        now=lambda actor, ids, data: retry_documents(actor=actor, document_ids=ids),
    ),
    BulkKind.REINDEX: Bulk(
        title="Re-index",
        sentence="They are made anew from their stored files, and answer from their present passages until then.",
        button="Re-index",
        asks=False,
        now=lambda actor, ids, data: reindex_documents(actor=actor, document_ids=ids),
    ),
    BulkKind.TAG: Bulk(
        title="Add tags to",
        sentence="These documents and all their passages get the tags.",
        button="Add tags",
        form=TagsForm,
        now=lambda actor, ids, data: tag_documents(actor=actor, document_ids=ids, tags=data["tags"]),
    ),
    BulkKind.UNTAG: Bulk(
        title="Remove tags from",
        sentence="Also from their passages, whoever set them.",
        button="Remove tags",
        form=TagsForm,
        now=lambda actor, ids, data: untag_documents(actor=actor, document_ids=ids, tags=data["tags"]),
    ),
    BulkKind.MOVE: Bulk(
        title="Move",
        sentence="Documents move within their workspace, with their tags, and are made anew there.",
        button="Move",
        form=MoveForm,
    ),
    BulkKind.DELETE: Bulk(
        title="Delete",
        sentence="Searches and assistants do not find them any more, nor what was found inside them. They can be "
        "restored from the trash for 30 days.",
        button="Move to the trash",
        now=lambda actor, ids, data: delete_documents(actor=actor, document_ids=ids, to_trash=True),
    ),
    BulkKind.RULES: Bulk(
        title="Apply the rules to",
        sentence="Passages get the tags of today's rules, and lose those of rules that are gone. No file is read again.",
        button="Apply rules",
        asks=False,
    ),
}


def bulk_page(
    page: TenantAdmin, request: HttpRequest, documents: Documents, kind: BulkKind
) -> HttpResponse | None:
    """The page that asks, or None when it was answered."""
    bulk, ids = BULKS[kind], list(documents.order_by().values_list("pk", flat=True))
    is_sure = "confirmed" in request.POST or not (bulk.asks or len(ids) > AT_ONCE)
    form = bulk.form(request.POST) if is_sure else bulk.form()
    if form.is_valid():
        _change(request, kind, ids, form.cleaned_data)
        return None
    references = documents.order_by().values_list("reference", flat=True).distinct()
    context = {
        **page.admin_site.each_context(request),
        "title": f"{bulk.title} {_count(len(ids))}",
        "bulk": bulk,
        "form": form,
        "media": page.media + form.media,
        "action": request.POST.get("action"),
        "is_across": request.POST.get("select_across") == "1",
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME)[:1000],
        "examples": list(documents.values_list("filename", flat=True)[:10]),
        "more": max(0, len(ids) - 10),
        "checkbox": ACTION_CHECKBOX_NAME,
        "vocabulary": known_words(references) if bulk.form is TagsForm else [],
    }
    return TemplateResponse(request, "admin/knowledge/document/bulk.html", context)


def _change(request: HttpRequest, kind: BulkKind, ids: list[UUID], data: dict[str, Any]) -> None:
    actor, now = actor_of(request), BULKS[kind].now
    if now and len(ids) <= AT_ONCE:
        count = now(actor, ids, data)
        done = messages.success if count else messages.warning
        done(request, f"{BULKS[kind].button}: {_count(count) if count else 'there was nothing to do'}.")
        return
    queue(request, kind, ids, data)


def queue(request: HttpRequest, kind: BulkKind, ids: list[UUID], data: dict[str, Any]) -> None:
    """Leave it to a worker, and say where one sees how it goes on."""
    reference = data.get("reference")
    change = queue_bulk_change(
        actor=actor_of(request),
        kind=kind,
        document_ids=ids,
        tags=data.get("tags", ()),
        reference_id=reference.pk if reference else None,
    )
    address = reverse("admin:knowledge_bulkchange_change", args=[change.pk])
    link = format_html('<a class="oyl-link" href="{}">See how far it is</a>', address)
    messages.success(
        request, format_html("{}: {} are being changed. {}.", BULKS[kind].button, _count(len(ids)), link)
    )


def _count(number: int) -> str:
    return f"{number:,} document{'' if number == 1 else 's'}"


@admin.register(BulkChange)
class BulkChangeAdmin(JobDisplay, ReadOnlyAdmin):
    list_display = ["kind", "state_badge", "progress", "created_at"]
    list_reads = ("document_ids", "failures_json")
    ordering = ["-created_at"]
    fields = [
        "kind",
        "state_badge",
        "progress",
        "arguments",
        "failures",
        "error_detail",
        "created_at",
        "finished_at",
    ]
    readonly_fields = ["state_badge", "progress", "arguments", "failures"]

    class Media:
        js = ["oyl/live.js"]

    @display(description="Progress")
    def progress(self, obj: BulkChange) -> SafeString:
        mark = format_html("{}", "") if obj.finished_at else SafeString(" data-unfinished")
        return format_html(
            '<span data-live="change-{}"{}>{} of {}</span>', obj.pk, mark, f"{obj.done:,}", f"{obj.total:,}"
        )

    @display(description="With")
    def arguments(self, obj: BulkChange) -> str:
        given = obj.arguments_json
        if "reference" in given:
            return str(Reference.with_deleted.filter(pk=given["reference"]).first() or "–")
        return ", ".join(given.get("tags", [])) or "–"

    @display(description="Not changed")
    def failures(self, obj: BulkChange) -> str:
        names = dict(Document.objects.filter(pk__in=obj.failures_json).values_list("pk", "filename"))
        texts = {str(pk): name for pk, name in names.items()}
        return (
            "; ".join(f"{texts.get(pk, 'deleted')}: {text}" for pk, text in obj.failures_json.items()) or "–"
        )
