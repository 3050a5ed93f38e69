"""The admin site: sign-in, the tenant that one acts in, and switching to another."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from audit.models import AuditLog
from audit.services import events_of
from core.actors import Actor, ActorKind
from core.requests import opens_own_scopes
from oyl.version import VERSION
from tenants.access import TenantAccess, tenant_to_enter, tenants_of_user
from tenants.middleware import SESSION_KEY, MemberRequest
from tenants.models import User
from tenants.services.members import remember_entry
from tenants.services.organisations import enter_as_operator

NO_TENANT = (
    "Your account does not belong to an organisation yet. Ask an administrator of yours to invite you, with "
    "this e-mail address."
)


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """Sign-in by e-mail, for users who belong to a tenant."""

    error_messages = {
        "invalid_login": "This e-mail address and password do not match an active account. "
        "Mind upper and lower case in the password.",
        "inactive": "This account is switched off. Ask an administrator of your organisation.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"
        self.fields["username"].widget.input_type = "email"

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        super().confirm_login_allowed(user)
        if not tenants_of_user(user.pk):
            raise ValidationError(NO_TENANT, code="no_tenant")


class OylAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    login_form = SignInForm
    enable_nav_sidebar = True

    def history_of(self, instance: models.Model) -> models.QuerySet[AuditLog]:
        """The audit log's events of an object, newest first."""
        return events_of(instance)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "version": VERSION}

    def has_permission(self, request: HttpRequest) -> bool:
        return cast(MemberRequest, request).actor is not None

    def extra_urls(self) -> list[URLPattern]:
        from knowledge.admin.search import search_page  # registers on this site, which must exist before

        return [
            path("switch-tenant/", switch_tenant, name="switch_tenant"),
            path("try-search/", self.admin_view(search_page), name="try_search"),
        ]

    @opens_own_scopes
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A user who signs in enters the tenant that they entered last, or their only one; for an operator this is recorded.
        A signed-in user without a tenant, because they have lost the current one or never entered any, chooses one, or
        is warned that there is none."""
        has_no_tenant = request.user.is_authenticated and not self.has_permission(request)
        if has_no_tenant and request.method == "GET":
            if cast(MemberRequest, request).tenants:
                lost = SESSION_KEY in request.session
                context = {
                    **self.each_context(request),
                    "title": "Choose an organisation",
                    "lost_tenant": lost,
                }
                return TemplateResponse(request, "admin/choose_tenant.html", context)
            messages.warning(request, NO_TENANT)
        response: HttpResponse = super().login(request, extra_context)
        if request.method == "POST" and request.user.is_authenticated and response.status_code == 302:
            tenants = tenants_of_user(request.user.pk)
            if access := tenant_to_enter(tenants, is_operator=request.user.is_superuser):
                enter_tenant(request, access)
        return response


@require_POST
@opens_own_scopes
def switch_tenant(request: MemberRequest) -> HttpResponse:
    """Switch to another of the user's tenants. Others are treated as if they did not exist."""
    chosen = request.POST.get("tenant")
    access = next((access for access in request.tenants if str(access.tenant_id) == chosen), None)
    if access is None:
        messages.error(request, "There is no such organisation, or you do not belong to it.")
    else:
        enter_tenant(request, access)
        messages.success(request, f"You are working in {access.name} now.")
    return HttpResponseRedirect(reverse("admin:index"))


def enter_tenant(request: HttpRequest, access: TenantAccess) -> None:
    """The next sign-in returns to it. Forms that were opened before, in another tenant, are refused
    (templates/403_csrf.html)."""
    request.session[SESSION_KEY] = str(access.tenant_id)
    rotate_token(request)
    remember_entry(cast(User, request.user).pk, access.tenant_id)
    if request.user.is_superuser:
        enter_as_operator(
            actor=Actor(
                kind=ActorKind.OPERATOR,
                tenant_id=access.tenant_id,
                role=access.role,
                credential="session",
                user_id=request.user.pk,
                request_id=cast(MemberRequest, request).id,
            )
        )


def tenant_name(request: MemberRequest) -> str:
    """The name of the current tenant, for every page's header."""
    return next((access.name for access in request.tenants if _is_current(request, access)), "")


def other_tenants(request: MemberRequest) -> list[dict[str, Any]]:
    """The choices of the header's menu (templates/unfold/helpers/site_dropdown.html)."""
    return [
        {"title": access.name, "link": str(access.tenant_id)}
        for access in request.tenants
        if not _is_current(request, access)
    ]


def _is_current(request: MemberRequest, access: TenantAccess) -> bool:
    return request.actor is not None and request.actor.tenant_id == access.tenant_id
