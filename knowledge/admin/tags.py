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

from audit.admin import AuditedAdmin
from core.admin import TenantForm, TenantInline, actor_of, display
from knowledge.errors import TagRuleInvalidError
from knowledge.models import Tag, TagRule
from knowledge.pipeline.values import tag_id
from knowledge.services.tags import check_rule, delete_tag

REINDEX_HINT = (
    "New rules and inherited tags reach documents when those are processed again: re-index the reference."
)


class TagForm(TenantForm):
    """A tag's id is derived from its name, which therefore cannot be changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tag"].disabled = not self.instance._state.adding


class TagInline(TenantInline):
    model = Tag
    form = TagForm
    verbose_name_plural = "Vocabulary"
    fields = ["tag", "description", "inherited", "source", "rules"]
    readonly_fields = ["source", "rules"]
    ordering = ["tag"]
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request).annotate(rule_count=Count("rules"))
        return rows

    @display(description="Rules")
    def rules(self, obj: Any) -> SafeString:
        if obj._state.adding:
            return SafeString("–")
        url = reverse("admin:knowledge_tag_change", args=[obj.pk])
        return format_html(
            '<a class="font-medium text-primary-600" href="{}">{}: edit</a>', url, obj.rule_count
        )


class RuleForm(TenantForm):
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "pattern" in self.cleaned_data and "kind" in self.cleaned_data:
            rule = TagRule(kind=self.cleaned_data["kind"], pattern=self.cleaned_data["pattern"])
            try:
                check_rule(rule)
            except TagRuleInvalidError as error:
                raise ValidationError({"pattern": str(error)}) from error
        return cleaned


class RuleInline(TenantInline):
    model = TagRule
    form = RuleForm
    verbose_name_plural = "Rules"
    fields = ["kind", "pattern"]
    ordering = ["kind", "pattern"]


@admin.register(Tag)
class TagAdmin(AuditedAdmin):
    list_display = ["tag", "reference", "source", "inherited", "rule_count"]
    list_select_related = ["reference"]
    list_filter = ["source", "inherited"]
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
