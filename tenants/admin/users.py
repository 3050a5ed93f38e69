"""The admin page of all users, for operators only; memberships decide what users may do."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse

from core.admin.base import OperatorPermissions, TenantAdmin, operator_of
from core.admin.theme import display
from tenants.admin.show_once import show_once
from tenants.models import User
from tenants.services import users
from tenants.services.oidc_sign_ins import unlink
from tenants.services.second_factors import turn_off

# People see their second factors on "Your account"; the others stay empty, or have digests.
admin.site.unregister((Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken))


@admin.register(User)
class UserAdmin(OperatorPermissions, TenantAdmin):
    list_display = ["email", "name", "kind", "is_active", "last_login"]
    list_filter = ["is_superuser", "is_active"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    actions = ["reset_password", "turn_off_second_factor", "sign_out", "unlink"]
    readonly_fields = ["last_login", "password_changed_at", "created_at"]

    @display(description="Kind", ordering="is_superuser", label={"Operator": "warning", "User": "default"})
    def kind(self, obj: User) -> str:
        return "Operator" if obj.is_superuser else "User"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [
            "email",
            "name",
            *(["is_active", "last_login", "password_changed_at", "created_at"] if obj else []),
        ]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The platform's events have it."""
        raise Http404

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators are changed by `create_operator`, as the role that owns the tables."""
        return super().has_change_permission(request, obj) and not (obj and obj.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Audit events name users for ever, so they are deactivated instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        request.one_time_secret = users.save_user(actor=operator_of(request), user=obj)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._show_link(request, obj, request.one_time_secret)  # type: ignore[attr-defined]

    @admin.action(description="Let the selected user choose a new password", permissions=["write"])
    def reset_password(self, request: HttpRequest, queryset: models.QuerySet[User]) -> HttpResponse | None:
        if len(queryset) != 1:
            self.message_user(request, "Choose one user.", "error")
            return None
        link = users.reset_password(actor=operator_of(request), user=queryset[0])
        return self._show_link(request, queryset[0], link)

    @admin.action(description="Turn off the second factor of the selected users", permissions=["write"])
    def turn_off_second_factor(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        for user in queryset:
            turn_off(actor=operator_of(request), user=user)
        self.message_user(request, "It is off. They sign in with their password alone.")

    @admin.action(description="Sign out the selected users everywhere", permissions=["write"])
    def sign_out(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        for user in queryset:
            users.sign_out_user(actor=operator_of(request), user=user)
        self.message_user(request, "Their sessions have ended.")

    @admin.action(description="Unlink the single sign-on of the selected users", permissions=["write"])
    def unlink(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        for user in queryset:
            unlink(actor=operator_of(request), user=user)
        self.message_user(request, "The next account of the provider with their address is theirs.")

    def _show_link(self, request: HttpRequest, user: User, link: str) -> HttpResponse:
        advice = f"Hand it over to {user.email} in a safe way. It works once, within 7 days."
        title = f"A link to choose a password, for {user.email}"
        return show_once(self, request, title=title, label="Link", text=link, advice=advice)
