"""The admin site: sign-in, the tenant that one acts in, and switching to another."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from audit.differences import differences
from audit.sentences import sentences
from audit.services import events_of
from core.admin import actor_of
from core.requests import client_address, opens_own_scopes
from core.sessions import BEGUN, PASSWORD_ENTERED
from oyl.health_panel import health_panel
from oyl.list_views import delete_view_page, save_view_page
from oyl.password_again import ask_password, confirm_page
from oyl.sign_in import NO_TENANT, ErrorsInForm, PasswordForm, SignInForm, person, with_outcome
from oyl.tenant_marks import marked_name
from oyl.version import VERSION
from oyl.visits import end_visit, enter_page, leave_page
from tenants.access import TenantAccess, tenant_to_enter, tenants_of_user
from tenants.middleware import SESSION_KEY, MemberRequest
from tenants.models import User
from tenants.services.members import remember_entry
from tenants.services.saved_views import saved_views
from tenants.services.sign_ins import record_sign_in, record_sign_out
from tenants.sign_in import remember_browser


class OwnPasswordView(ErrorsInForm, PasswordChangeView):
    """Choose a new password for oneself."""


class OylAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    login_form = SignInForm
    enable_nav_sidebar = True

    def history_of(self, instance: models.Model, length: int) -> list[dict[str, Any]]:
        """The audit log's newest events of an object, each with its sentence and what it has changed."""
        events = list(events_of(instance)[:length])
        return [
            {"event": event, "sentence": sentence, "changed": differences(event.payload_json, of=instance.pk)}
            for event, sentence in zip(events, sentences(events), strict=True)
        ]

    def saved_views(self, request: HttpRequest, of_list: str) -> list[Any]:
        return [*saved_views(actor_of(request).user_id, of_list)]

    def ask_password(self, request: HttpRequest) -> HttpResponse:
        return ask_password(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        shown = {"version": VERSION, "oidc": settings.OIDC, "has_passwords": settings.OYL_PASSWORD_SIGN_IN}
        return {**super().each_context(request), **shown}

    def has_permission(self, request: HttpRequest) -> bool:
        """Members of a tenant, and operators, who are in no tenant at first."""
        known = cast(MemberRequest, request)
        return known.actor is not None or known.operator is not None

    def extra_urls(self) -> list[URLPattern]:
        from oyl.second_factor import account_page, add_passkey_page, turn_on_page

        return [
            path("switch-tenant/", switch_tenant, name="switch_tenant"),
            path("enter-tenant/", self.admin_view(enter_page), name="enter_tenant"),
            path("confirm-password/", self.admin_view(confirm_page), name="confirm_password"),
            path("leave-tenant/", leave_page, name="leave_tenant"),
            path("account/", self.admin_view(account_page), name="account"),
            path("account/second-factor/", self.admin_view(turn_on_page), name="turn_on_second_factor"),
            path("account/passkey/", self.admin_view(add_passkey_page), name="add_passkey"),
            path("views/save/", self.admin_view(save_view_page), name="save_view"),
            path("views/delete/", self.admin_view(delete_view_page), name="delete_view"),
            path("health/", self.admin_view(health_panel), name="health"),
            *self._pages_of_apps(),
        ]

    def _pages_of_apps(self) -> list[URLPattern]:
        """Their modules register on this site, which must exist before."""
        from conversations.admin.chat import chat_page
        from conversations.admin.comparing import compare_page
        from conversations.admin.instructions import instructions_page
        from conversations.admin.knowledge_bases import knowledge_base_page
        from conversations.admin.routing import who_would_answer_page
        from conversations.admin.temporary import temporary_answer
        from knowledge.admin.expecting import expect_page
        from knowledge.admin.figures import figures_page
        from knowledge.admin.reading import page_picture, read_page
        from knowledge.admin.search import search_page
        from knowledge.admin.trash import trash_page
        from tenants.admin.show_once import shown_once_page

        pages = [
            ("chat/", chat_page, "chat"),
            ("chat/answer/", temporary_answer, "temporary_answer"),
            ("assistants/<uuid:pk>/instructions/", instructions_page, "instructions"),
            ("assistants/<uuid:pk>/compare/", compare_page, "compare_instructions"),
            ("knowledge-bases/<uuid:pk>/", knowledge_base_page, "open_knowledge_base"),
            ("teammates/<uuid:pk>/who-would-answer/", who_would_answer_page, "who_would_answer"),
            ("shown-once/", shown_once_page, "shown-once"),
            ("documents/<uuid:pk>/read/", read_page, "read_document"),
            ("documents/<uuid:pk>/pages/<int:page>/", page_picture, "page_picture"),
            ("trash/", trash_page, "trash"),
            ("try-search/", search_page, "try_search"),
            ("try-search/expect/", expect_page, "expect_document"),
            ("evaluation-sets/<uuid:pk>/", figures_page, "evaluation_figures"),
        ]
        return [path(address, self.admin_view(page), name=name) for address, page, name in pages]

    @opens_own_scopes
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A member who signs in enters the tenant that they entered last, or their only one; an operator none. A signed-in
        user without a tenant, because they have lost the current one or never entered any, chooses one, or is warned
        that there is none."""
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
            signed_in(cast(MemberRequest, request), response)
        return with_outcome(response)

    @opens_own_scopes
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A sign-out ends an operator's visit."""
        end_visit(cast(MemberRequest, request))
        if request.method == "POST" and request.user.is_authenticated:
            record_sign_out(actor=person(cast(MemberRequest, request)), user=request.user)
        response: HttpResponse = super().logout(request, extra_context)
        return response

    @opens_own_scopes
    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """As the theme's, with a form that records the change."""
        view = OwnPasswordView.as_view(
            form_class=partial(PasswordForm, request=request),
            success_url=reverse("admin:password_change_done"),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return cast(HttpResponse, view(request))


def signed_in(request: MemberRequest, response: HttpResponse, entered_at: int | None = None) -> None:
    """Enter a member's tenant, and record the sign-in. `entered_at` is when the person has entered a password, if that was
    not now."""
    user = cast(User, request.user)
    request.session[BEGUN] = now = int(time.time())
    request.session[PASSWORD_ENTERED] = now if entered_at is None else entered_at
    if access := tenant_to_enter(tenants_of_user(user.pk)):
        enter_tenant(request, access)
    record_sign_in(actor=person(request), user=user, address=client_address(request))
    remember_browser(response, user)


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


def tenant_name(request: MemberRequest) -> str:
    """The name of the current tenant with its mark, for every page's header."""
    if request.visit:
        return marked_name(request.visit.tenant_id, request.visit.name)
    current = next((access for access in request.tenants if _is_current(request, access)), None)
    return marked_name(current.tenant_id, current.name) if current else ""


def other_tenants(request: MemberRequest) -> list[dict[str, Any]]:
    """The choices of the header's menu (templates/unfold/helpers/site_dropdown.html)."""
    return [
        {"title": marked_name(access.tenant_id, access.name), "link": str(access.tenant_id)}
        for access in request.tenants
        if not _is_current(request, access)
    ]


def _is_current(request: MemberRequest, access: TenantAccess) -> bool:
    return request.actor is not None and request.actor.tenant_id == access.tenant_id
