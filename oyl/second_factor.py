"""The page that asks for the second factor, and the page on which people turn theirs on and off and end their sessions."""

from __future__ import annotations

from typing import Any, cast

from allauth.mfa.totp.internal.auth import generate_totp_secret
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import login, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminTextInputWidget

from core.actors import ActorKind, PlatformActor
from core.errors import OylError
from core.recent_password import PasswordNeededError
from core.requests import client_address, opens_own_scopes
from oyl import pending_sign_in
from oyl.password_again import ask_password
from oyl.sign_in import person, with_outcome
from oyl.site import signed_in
from tenants.middleware import MemberRequest
from tenants.models import User
from tenants.second_factors import codes_left, has_second_factor, qr_code
from tenants.services.second_factors import enter_code, make_recovery_codes, turn_off, turn_on
from tenants.services.sign_ins import end_sessions

SECRET = "second_factor_secret"  # noqa: S105 (a name in the session)


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )
    wait = 0

    def refuse(self, error: OylError) -> None:
        self.add_error("code", str(error))
        self.wait = getattr(error, "wait", 0)


@never_cache
@require_http_methods(["GET", "POST"])
@opens_own_scopes
def second_factor(request: HttpRequest) -> HttpResponse:
    """Sign in a person who has entered the password, and now the code."""
    user = pending_sign_in.user_of(request)
    if user is None:
        messages.warning(request, "Enter your password first.")
        return redirect("admin:login")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            return _sign_in(cast(MemberRequest, request), user, form.cleaned_data["code"])
        except OylError as error:
            form.refuse(error)
    context = {**admin.site.each_context(request), "title": "Second factor", "form": form}
    return with_outcome(TemplateResponse(request, "second_factor.html", context))


def _sign_in(request: MemberRequest, user: User, code: str) -> HttpResponse:
    actor = PlatformActor(
        kind=ActorKind.OPERATOR if user.is_superuser else ActorKind.USER,
        credential="code",
        user_id=user.pk,
        request_id=request.id,
    )
    enter_code(actor=actor, user=user, code=code, address=client_address(request))
    response = HttpResponseRedirect(pending_sign_in.end(request))
    login(request, user)
    signed_in(request, response)
    return response


@opens_own_scopes
def account_page(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    if request.method == "POST":
        try:
            return _change(cast(MemberRequest, request), user, request.POST.get("do", ""))
        except PasswordNeededError:
            return ask_password(request)
        except OylError as error:
            messages.error(request, str(error))
            return redirect("admin:account")
    context = {
        **admin.site.each_context(request),
        "title": "Your account",
        "account": user,
        "password_url": reverse("admin:password_change"),
        "turn_on_url": reverse("admin:turn_on_second_factor"),
        "has_second_factor": has_second_factor(user.pk),
        "codes_left": codes_left(user.pk),
    }
    return TemplateResponse(request, "admin/account.html", context)


def _change(request: MemberRequest, user: User, what: str) -> HttpResponse:
    actor = person(request)
    if what == "end_sessions":
        end_sessions(actor=actor, user=user)
        update_session_auth_hash(request, user)
        messages.success(request, "You are signed out everywhere else.")
    elif what == "turn_off":
        turn_off(actor=actor, user=user)
        messages.success(request, "Your second factor is off.")
    elif what == "new_codes":
        return _codes_page(request, make_recovery_codes(actor=actor, user=user))
    return redirect("admin:account")


@opens_own_scopes
def turn_on_page(request: HttpRequest) -> HttpResponse:
    """The secret waits in the session until its first code is entered."""
    user, form = cast(User, request.user), CodeForm(request.POST if "code" in request.POST else None)
    secret: str = request.session.setdefault(SECRET, generate_totp_secret())
    if form.is_valid():
        try:
            codes = turn_on(
                actor=person(cast(MemberRequest, request)),
                user=user,
                secret=secret,
                code=form.cleaned_data["code"].replace(" ", ""),
            )
        except PasswordNeededError:
            return ask_password(request)
        except OylError as error:
            form.refuse(error)
        else:
            del request.session[SECRET]
            return _codes_page(request, codes)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Turn on the second factor",
        "form": form,
        "secret": secret,
        "image": mark_safe(qr_code(user, secret)),  # noqa: S308 (an image that allauth draws)
    }
    return TemplateResponse(request, "admin/turn_on_second_factor.html", context)


def _codes_page(request: HttpRequest, codes: list[str]) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Your recovery codes",
        "codes": codes,
        "back": reverse("admin:account"),
    }
    return TemplateResponse(request, "admin/recovery_codes.html", context)
