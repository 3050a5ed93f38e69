"""A reference's tags, and the rules that set them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from audit.admin import AuditedAdmin
from core.admin import TenantForm, TenantInline, actor_of, display
from knowledge.errors import TagRuleInvalidError
from knowledge.models import Reference, Tag, TagRule
from knowledge.pipeline.values import tag_id
from knowledge.services.rules import check_rule
from knowledge.services.tags import delete_tag

REINDEX_HINT = (
    "New rules and inherited tags reach documents when those are processed again: re-index the reference."
)


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
            rule = TagRule(kind=self.cleaned_data["kind"], pattern=self.cleaned_data["pattern"])
            try:
                check_rule(rule)
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
    list_display = ["tag", "reference", "source", "inherited", "rule_count"]
    list_select_related = ["reference"]
    list_filter = [("reference", AutocompleteSelectFilter), "source", "inherited"]
    search_fields = ["tag"]
    autocomplete_fields = ["reference"]
    ordering = ["tag"]
    fields = ["reference", "tag", "description", "inherited", "source"]
    inlines = [RuleInline]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request).annotate(rule_count=Count("rules"))
        return rows

    @display(description="Rules")
    def rule_count(self, obj: Any) -> int:
        count: int = obj.rule_count
        return count

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["reference", "tag", "source"] if obj else ["source"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.pk = tag_id(obj.reference_id, obj.tag)
        super().save_model(request, obj, form, change)
        self.message_user(request, REINDEX_HINT)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_tag(actor=actor_of(request), tag=obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for tag in queryset:
            self.delete_model(request, tag)
