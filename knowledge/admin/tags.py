"""A reference's tags, and the rules that set them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Func, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from audit.admin import AuditedAdmin
from core.admin import (
    TenantForm,
    TenantInline,
    action,
    actor_of,
    display,
    redirect_or_htmx,
    show_domain_errors,
)
from knowledge.admin.bulk import queue
from knowledge.admin.tag_pages import merge_page, rename_page, trial_page
from knowledge.errors import TagExistsError, TagRuleInvalidError
from knowledge.models import BulkKind, DocumentTag, Reference, Tag, TagLink, TagRule
from knowledge.pipeline.values import tag_id
from knowledge.services.references import document_ids_of
from knowledge.services.rules import check_rule
from knowledge.services.tags import delete_tag, tags_named

REINDEX_HINT = (
    "Documents that are there already do not have it yet: “Apply the rules” gives their passages the tags of rules, without "
    "reading files again. Inherited tags come when a document is re-indexed."
)
# Passages are counted up to so many.
MOST_COUNTED = 1000


APPLY_RULES = {
    "title": "Apply the rules to all documents of the reference?",
    "description": "Their passages get the tags of today's rules, and lose those of rules that are gone. No file is read "
    "again.",
    "form_submit_text": "Apply",
}


def _counted(model: Any) -> Any:
    """How many rows of the model a tag has."""
    rows = model.objects.filter(tag=OuterRef("pk")).order_by().values("tag").annotate(number=Count("pk"))
    return Coalesce(Subquery(rows.values("number")), 0)


def tag_count(reference: Reference) -> SafeString:
    """The number of a reference's tags, with links to list them and to add one."""
    count = Tag.objects.filter(reference=reference.pk).count()
    listed = f"{reverse('admin:knowledge_tag_changelist')}?reference__id__exact={reference.pk}"
    added = f"{reverse('admin:knowledge_tag_add')}?reference={reference.pk}"
    link = '<a class="font-medium text-primary-600" href="{}">{}</a>'
    tags = f"{count:,} tag{'' if count == 1 else 's'}"
    return format_html(f"{link} · {link}", listed, tags, added, "add one")


class RuleForm(TenantForm):
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "pattern" in self.cleaned_data and "kind" in self.cleaned_data:
            try:
                check_rule(self.cleaned_data["kind"], self.cleaned_data["pattern"])
            except TagRuleInvalidError as error:
                raise ValidationError({"pattern": str(error)}) from error
            self.instance.switched_off = ""
        return cleaned


class RuleInline(TenantInline):
    model = TagRule
    form = RuleForm
    verbose_name_plural = "Rules"
    fields = ["kind", "pattern", "switched_off"]
    readonly_fields = ["switched_off"]
    ordering = ["kind", "pattern"]


@admin.register(Tag)
class TagAdmin(AuditedAdmin):
    nothing_yet = "Tags come with uploads, from rules, and from the pages of documents."
    list_display = ["name", "reference", "documents", "passages", "rule_count", "origin"]
    list_select_related = ["reference"]
    list_filter = [("reference", AutocompleteSelectFilter), "source", "inherited"]
    search_fields = ["tag"]
    autocomplete_fields = ["reference"]
    ordering = ["tag"]
    fields = ["reference", "tag", "colour", "description", "inherited", "source"]
    actions = ["merge"]
    actions_detail = ["rename", "try_rule", "apply_rules"]
    inlines = [RuleInline]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        passages = TagLink.objects.filter(tag=OuterRef("pk")).order_by().values("pk")[: MOST_COUNTED + 1]
        counted: models.QuerySet[Any] = rows.annotate(
            rule_count=_counted(TagRule),
            document_count=_counted(DocumentTag),
            passage_count=Func(ArraySubquery(passages), function="cardinality", output_field=IntegerField()),
        )
        return counted

    @display(description="Tag", ordering="tag")
    def name(self, obj: Tag) -> SafeString:
        colour = f" oyl-tag--{obj.colour}" if obj.colour else ""
        return format_html('<span class="oyl-tag{}">{}</span>', colour, obj.tag)

    @display(description="Documents", ordering="document_count")
    def documents(self, obj: Any) -> SafeString:
        """Those that have it as wholes."""
        listed = reverse("admin:knowledge_document_changelist")
        query = urlencode({"any_tag": obj.tag, "reference__id__exact": obj.reference_id})
        return format_html('<a class="oyl-link" href="{}?{}">{}</a>', listed, query, obj.document_count)

    @display(description="Passages", ordering="passage_count")
    def passages(self, obj: Any) -> str:
        count: int = obj.passage_count
        return f"{count:,}" if count <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"

    @display(description="From")
    def origin(self, obj: Tag) -> str:
        return (
            f"{obj.get_source_display()}, inherited by all passages"
            if obj.inherited
            else obj.get_source_display()
        )

    @admin.action(description="Merge", permissions=["write"])
    def merge(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse | None:
        tags = list(Tag.objects.filter(pk__in=[tag.pk for tag in queryset]).select_related("reference"))
        return merge_page(self, request, tags)

    @action(description="Rename", url_path="rename", icon="edit", permissions=["write"])
    @show_domain_errors
    def rename(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tag = self.get_object(request, object_id)
        return rename_page(self, request, tag) if tag else self.not_found_redirect(request, object_id)

    @action(description="Try a rule", url_path="try", icon="science", permissions=["view"])
    @show_domain_errors
    def try_rule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tag = self.get_object(request, object_id)
        return trial_page(self, request, tag) if tag else self.not_found_redirect(request, object_id)

    @action(
        description="Apply the rules",
        url_path="apply-rules",
        icon="rule",
        permissions=["write"],
        dialog=APPLY_RULES,
    )
    @show_domain_errors
    def apply_rules(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        tag = self.get_object(request, object_id)
        if tag is None:
            return self.not_found_redirect(request, object_id)
        queue(request, BulkKind.RULES, document_ids_of([tag.reference]), {})
        return redirect_or_htmx(request, reverse("admin:knowledge_tag_change", args=[object_id]))

    @display(description="Rules")
    def rule_count(self, obj: Any) -> int:
        count: int = obj.rule_count
        return count

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["reference", "tag", "source"] if obj else ["source"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change and tags_named(obj.reference_id, [obj.tag]):
            raise TagExistsError
        if not change:
            obj.pk = tag_id(obj.reference_id, obj.tag)
        super().save_model(request, obj, form, change)
        self.message_user(request, REINDEX_HINT)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_tag(actor=actor_of(request), tag=obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for tag in queryset:
            self.delete_model(request, tag)
