"""The admin pages of the organisation, its members and its API keys."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminTextareaWidget,
)

from core.admin.base import TenantAdmin, TenantForm, actor_of
from core.admin.theme import display
from core.encryption.fields import WriteOnlyFormField
from core.permissions import Role, key_scopes
from tenants.models import ApiKey, Membership, Tenant
from tenants.services import api_keys, members, organisations

ROLE_COLOURS = {"Owner": "primary", "Admin": "info", "Editor": "success", "Viewer": "default"}


class OrganisationForm(TenantForm):
    metadata = WriteOnlyFormField(label="Confidential metadata", widget=UnfoldAdminTextareaWidget)


@admin.register(Tenant)
class OrganisationAdmin(TenantAdmin):
    """Has one row: the current organisation."""

    form = OrganisationForm

    view_role = write_role = Role.ADMIN
    list_display = ["name", "created_at"]
    fields = ["name", "metadata", "has_metadata", "id", "created_at", "updated_at"]
    readonly_fields = ["has_metadata", "id", "created_at", "updated_at"]

    @display(description="Metadata is stored", boolean=True)
    def has_metadata(self, obj: Tenant) -> bool:
        return obj.metadata_encrypted is not None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if form.cleaned_data["metadata"]:
            obj.metadata_encrypted = form.cleaned_data["metadata"]
        organisations.update_tenant(actor=actor_of(request), tenant=obj)


class MembershipForm(TenantForm):
    email = forms.EmailField(
        label="E-mail",
        widget=UnfoldAdminEmailInputWidget,
        help_text="Somebody without an account gets one, and you a password to hand over, shown once.",
    )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        email = self.cleaned_data.get("email", "")
        if email and Membership.objects.filter(user__email=email.lower()).exists():
            raise ValidationError(
                {"email": "They are a member already. Change their role in the list of members."}
            )
        return cleaned


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    view_role = write_role = Role.ADMIN
    list_display = ["email", "role_badge", "created_at"]
    list_select_related = ["user"]
    list_filter = ["role"]
    search_fields = ["user__email", "user__name"]
    ordering = ["user__email"]

    @display(description="E-mail", ordering="user__email")
    def email(self, obj: Membership) -> str:
        return obj.user.email

    @display(description="Role", ordering="role", label=ROLE_COLOURS)
    def role_badge(self, obj: Membership) -> str:
        return str(obj.get_role_display())

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["user", "role"] if obj else ["email", "role"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["user"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(
            request, obj, change, **({"form": TenantForm} if obj else {"form": MembershipForm}), **kwargs
        )

    def formfield_for_choice_field(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Only owners can make owners."""
        roles = [role for role in Role if role.rank <= actor_of(request).role.rank]
        return super().formfield_for_choice_field(
            db_field, request, choices=[(role.value, role.label) for role in roles], **kwargs
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An admin cannot change owners."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or actor_of(request).role.rank >= Role(obj.role).rank)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            members.set_role(actor=actor_of(request), membership=obj, role=Role(obj.role))
            return
        invitation = members.invite_member(
            actor=actor_of(request), email=form.cleaned_data["email"], role=Role(obj.role)
        )
        obj.pk, obj.user = invitation.membership.pk, invitation.membership.user
        request.one_time_password = invitation.password  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        password = request.one_time_password  # type: ignore[attr-defined]
        if password is None:
            return super().response_add(request, obj, post_url_continue)
        return show_once(self, request, f"{obj.user.email} can sign in now", "Password", password)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        members.remove_member(actor=actor_of(request), membership=obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for membership in queryset.select_related("user"):
            self.delete_model(request, membership)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        people = [str(obj) for obj in objs]
        return people, {"members": len(people)}, set(), []


class ApiKeyForm(TenantForm):
    scopes = forms.MultipleChoiceField(
        choices=lambda: [(scope, scope) for scope in key_scopes()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        initial=key_scopes,
        help_text="What the key opens; never more than your own role allows.",
    )


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

    @display(description="Key")
    def key(self, obj: ApiKey) -> str:
        return f"{obj.prefix}…"

    @display(description="State", label={"Active": "success", "Revoked": "danger"})
    def state(self, obj: ApiKey) -> str:
        return "Revoked" if obj.revoked_at else "Active"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        given = ["name", "scopes", "bound_kind", "bound_id", "expires_at"]
        return [*given, "key", "state", "user", "created_at", "last_used_at", "revoked_at"] if obj else given

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

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
        return show_once(self, request, f"The API key “{obj.name}” is made", "Key", secret)

    @admin.action(description="Revoke the selected keys", permissions=["write"])
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[ApiKey]) -> None:
        for api_key in queryset:
            api_keys.revoke_api_key(actor=actor_of(request), api_key=api_key)
        self.message_user(request, "Revoked. The keys open nothing any more.")


def show_once(page: TenantAdmin, request: HttpRequest, title: str, label: str, secret: str) -> HttpResponse:
    """The secret is in the response to the POST itself, so that it is stored neither in a session nor in a cookie."""
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "label": label,
        "secret": secret,
        "list_url": reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"),
    }
    return TemplateResponse(request, "admin/show_once.html", context)
