"""The admin pages of API keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelect2Widget

from core.admin.base import TenantAdmin, TenantForm, actor_of, redirect_or_htmx
from core.admin.theme import action, display
from core.permissions import Role, bound_kinds, key_scopes, rows_of_kind
from tenants.admin.show_once import show_once
from tenants.models import ApiKey
from tenants.services import api_keys

SUGGESTED_VALIDITY = timedelta(days=365)
MAX_CHOICES = 1000  # of each kind
REVOKE = {"title": "Revoke this key?", "description": "What uses it is refused at once. It cannot be undone."}


def bindings() -> list[tuple[str, Any]]:
    """Everything that a key can be bound to, by kind, for a choice."""
    return [("", "Nothing: the key opens all of its user's objects"), *map(_choices_of, bound_kinds())]


def _choices_of(kind: str) -> tuple[str, list[tuple[str, str]]]:
    names = rows_of_kind(kind).order_by("name").values_list("pk", "name")[:MAX_CHOICES]
    return f"{kind.capitalize()}s", [(f"{kind}:{pk}", name) for pk, name in names]


def suggested_expiry() -> Any:
    return (timezone.now() + SUGGESTED_VALIDITY).replace(second=0, microsecond=0)


class ApiKeyForm(TenantForm):
    scopes = forms.MultipleChoiceField(
        choices=lambda: [(scope, scope) for scope in key_scopes()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the key opens; never more than your own role allows.",
    )
    bound_to = forms.ChoiceField(
        choices=bindings,
        widget=UnfoldAdminSelect2Widget,
        required=False,
        help_text="The key then opens this object and what belongs to it.",
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kind, _, bound_id = data.get("bound_to", "").partition(":")
        self.instance.bound_kind, self.instance.bound_id = kind, bound_id or None
        return data


@admin.register(ApiKey)
class ApiKeyAdmin(TenantAdmin):
    """Keys are made and revoked, never changed."""

    form = ApiKeyForm
    view_role = write_role = Role.ADMIN
    list_display = ["name", "key", "state", "user", "created_at", "expires_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix"]
    ordering = ["-created_at"]
    actions = ["revoke"]
    actions_detail = ["revoke_one"]

    @display(description="Key")
    def key(self, obj: ApiKey) -> str:
        return f"{obj.prefix}…"

    @display(description="State", label={"Active": "success", "Revoked": "danger"})
    def state(self, obj: ApiKey) -> str:
        return "Revoked" if obj.revoked_at else "Active"

    @display(description="Bound to")
    def binding(self, obj: ApiKey) -> str:
        if not obj.bound_id:
            return "Nothing"
        bound = rows_of_kind(obj.bound_kind).filter(pk=obj.bound_id).first()
        return f"{obj.bound_kind.capitalize()}: {bound or 'deleted'}"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return ["name", "scopes", "bound_to", "expires_at"]
        made = ["key", "state", "user", "created_at", "last_used_at", "revoked_at"]
        return ["name", "scopes", "binding", "expires_at", *made]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"expires_at": suggested_expiry(), **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = api_keys.create_api_key(
            actor=actor_of(request),
            name=obj.name,
            scopes=obj.scopes,
            expires_at=obj.expires_at,
            bound=(obj.bound_kind, obj.bound_id) if obj.bound_id else None,
        )
        obj.pk = made.api_key.pk
        request.one_time_secret = made.secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        secret = cast(str, request.one_time_secret)  # type: ignore[attr-defined]
        title = f"The API key “{obj.name}” is made"
        advice = "Keep it in a safe place. What it opens is described at /api/docs/."
        return show_once(self, request, title=title, label="Key", text=secret, advice=advice)

    @admin.action(description="Revoke the selected keys", permissions=["write"])
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[ApiKey]) -> None:
        for api_key in queryset:
            api_keys.revoke_api_key(actor=actor_of(request), api_key=api_key)
        self.message_user(request, "Revoked. The keys open nothing any more.")

    @action(
        description="Revoke",
        url_path="revoke",
        icon="block",
        permissions=["write"],
        variant=ActionVariant.DANGER,
        dialog=REVOKE,
    )
    def revoke_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        if api_key := self.get_object(request, object_id):
            api_keys.revoke_api_key(actor=actor_of(request), api_key=api_key)
            messages.success(request, "Revoked. The key opens nothing any more.")
        return redirect_or_htmx(request, reverse("admin:tenants_apikey_change", args=[object_id]))
