"""The quotas of the organisation, its workspaces, its API keys and its members."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from audit.admin import AuditedAdmin
from core.admin import TenantForm, actor_of, display
from core.models import QuotaLimit
from core.permissions import Role
from tenants.models import ApiKey, Membership
from tenants.services.quota_limits import delete_quota_limits, save_quota_limit
from workspaces.models import Workspace

EVERYTHING = ("", "The whole organisation")


def workspace_choices() -> list[tuple[Any, str]]:
    return [EVERYTHING, *Workspace.objects.order_by("name").values_list("pk", "name")]


def key_choices() -> list[tuple[str, str]]:
    keys = ApiKey.objects.filter(revoked_at=None, made_by=None).order_by("name")
    return [("", "No key"), *((key.prefix, str(key)) for key in keys)]


def member_choices() -> list[tuple[Any, str]]:
    members = Membership.objects.order_by("user__email").values_list("user_id", "user__email")
    return [("", "No member"), *members]


class QuotaLimitForm(TenantForm):
    workspace_id = forms.TypedChoiceField(
        label="Workspace",
        choices=workspace_choices,
        coerce=UUID,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    credential = forms.ChoiceField(
        label="API key",
        choices=key_choices,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="A key's quota is on what it adds or uses in a day, whatever the kind.",
    )
    user_id = forms.TypedChoiceField(
        label="Member",
        choices=member_choices,
        coerce=UUID,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="A member's quota is on what they add or use in a day, also through their keys.",
    )


@admin.register(QuotaLimit)
class QuotaLimitAdmin(AuditedAdmin):
    """Administrators limit workspaces, keys and members; operators, the organisation, too."""

    view_role = write_role = Role.ADMIN
    form = QuotaLimitForm
    list_display = ["kind", "subject", "amount", "updated_at"]
    ordering = ["kind"]
    fields = ["kind", "workspace_id", "credential", "user_id", "amount"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["kind", "subject"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["kind", "subject", "amount"] if obj else self.fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(
            request, obj, change, **{"form": TenantForm if obj else QuotaLimitForm, **kwargs}
        )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[QuotaLimit]:
        name = Workspace.with_deleted.filter(pk=models.OuterRef("workspace_id")).values("name")
        email = Membership.objects.filter(user=models.OuterRef("user_id")).values("user__email")
        rows: models.QuerySet[QuotaLimit] = super().get_queryset(request)
        return rows.annotate(workspace_name=models.Subquery(name), email=models.Subquery(email))

    @display(description="Of")
    def subject(self, obj: Any) -> str:
        if obj.user_id:
            return obj.email or "A former member"
        return obj.workspace_name or obj.credential or EVERYTHING[1]

    def save_model(self, request: HttpRequest, obj: QuotaLimit, form: Any, change: bool) -> None:
        save_quota_limit(actor=actor_of(request), limit=obj)

    def delete_model(self, request: HttpRequest, obj: QuotaLimit) -> None:
        delete_quota_limits(actor=actor_of(request), limits=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[QuotaLimit]) -> None:
        delete_quota_limits(actor=actor_of(request), limits=list(queryset))
