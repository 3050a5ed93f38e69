"""The page that asks for the second factor, and the pages on which people add and remove theirs and end sessions."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
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
from core.sessions import session_id, sessions_of
from oyl import pending_sign_in
from oyl.browsers import browser_name
from oyl.password_again import ask_password
from oyl.sign_in import person, with_outcome
from oyl.site import signed_in
from tenants.middleware import MemberRequest
from tenants.models import User
from tenants.passkeys import options_to_register, options_to_use, passkeys_of
from tenants.second_factors import codes_left, factors_of, qr_code
from tenants.services.second_factors import (
    LONGEST_NAME,
    add_passkey,
    enter_code,
    enter_passkey,
    make_recovery_codes,
    remove_factor,
    turn_off,
    turn_on,
)
from tenants.services.sign_ins import end_session, end_sessions

SECRET = "second_factor_secret"  # noqa: S105 (a name in the session)
LONGEST_ID = 19  # digits


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
        if self.is_bound:
            self.add_error("code", str(error))
        self.wait = getattr(error, "wait", 0)


class PasskeyForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=LONGEST_NAME, initial="This device", widget=UnfoldAdminTextInputWidget
    )


@never_cache
@require_http_methods(["GET", "POST"])
@opens_own_scopes
def second_factor(request: HttpRequest) -> HttpResponse:
    """Sign in a person who has entered the password, and now the code, or uses a passkey."""
    user = pending_sign_in.user_of(request)
    if user is None:
        messages.warning(request, "Enter your password first.")
        return redirect("admin:login")
    form = CodeForm(request.POST if "code" in request.POST else None)
    if form.is_valid() or "answer" in request.POST:
        try:
            return _sign_in(cast(MemberRequest, request), user, form)
        except OylError as error:
            form.refuse(error)
            if not form.is_bound:
                messages.error(request, str(error))
    has_passkey = passkeys_of(user.pk).exists()
    context = {
        **admin.site.each_context(request),
        "title": "Second factor",
        "form": form,
        "options": options_to_use(user) if has_passkey else "",
    }
    return with_outcome(TemplateResponse(request, "second_factor.html", context))


def _sign_in(request: MemberRequest, user: User, form: CodeForm) -> HttpResponse:
    answer, address = request.POST.get("answer"), client_address(request)
    actor = PlatformActor(
        kind=ActorKind.OPERATOR if user.is_superuser else ActorKind.USER,
        credential="code" if answer is None else "passkey",
        user_id=user.pk,
        request_id=request.id,
    )
    if answer is None:
        enter_code(actor=actor, user=user, code=form.cleaned_data["code"], address=address)
    else:
        enter_passkey(actor=actor, user=user, answer=answer, address=address)
    page, entered_at = pending_sign_in.end(request)
    response = HttpResponseRedirect(page)
    login(request, user)
    signed_in(request, response, entered_at=entered_at)
    return response


def _can_use_passkeys(request: HttpRequest) -> bool:
    """A passkey belongs to a host name: browsers take none for a number."""
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


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
    factors = list(factors_of(user.pk))
    context = {
        **admin.site.each_context(request),
        "title": "Your account",
        "account": user,
        "password_url": reverse("admin:password_change"),
        "factors": factors,
        "has_app": any(factor.type == Authenticator.Type.TOTP for factor in factors),
        "can_use_passkeys": _can_use_passkeys(request),
        "codes_left": codes_left(user.pk),
        "sessions": _sessions(request, user),
    }
    return TemplateResponse(request, "admin/account.html", context)


def _sessions(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    present = session_id(request.session.session_key)
    return [
        {"session": one, "browser": browser_name(one.browser), "is_present": one.id == present}
        for one in sessions_of(user)
    ]


def _change(request: MemberRequest, user: User, what: str) -> HttpResponse:
    actor = person(request)
    what, _, which = what.partition(" ")
    if what == "end_sessions":
        end_sessions(actor=actor, user=user)
        update_session_auth_hash(request, user)
        messages.success(request, "You are signed out everywhere else.")
    elif what == "end_session":
        end_session(actor=actor, user=user, of_session=which)
        messages.success(request, "This session has ended.")
    elif what == "remove" and which.isdecimal() and len(which) < LONGEST_ID:
        remove_factor(actor=actor, user=user, factor_id=int(which))
        messages.success(request, "It is removed.")
    elif what == "turn_off":
        turn_off(actor=actor, user=user)
        messages.success(request, "Your second factor is off.")
    elif what == "new_codes":
        return _codes_page(request, make_recovery_codes(actor=actor, user=user))
    return redirect("admin:account")


@opens_own_scopes
def add_passkey_page(request: HttpRequest) -> HttpResponse:
    """The browser makes the passkey, and sends its public key with the form."""
    user = cast(User, request.user)
    if request.method == "POST":
        try:
            codes = add_passkey(
                actor=person(cast(MemberRequest, request)),
                user=user,
                name=request.POST.get("name", ""),
                answer=request.POST.get("answer", ""),
            )
            return _with_codes(request, codes, "The passkey is added.")
        except PasswordNeededError:
            return ask_password(request)
        except OylError as error:
            messages.error(request, str(error))
    context = {
        **admin.site.each_context(request),
        "title": "Add a passkey",
        "form": PasskeyForm(),
        "options": options_to_register(user),
    }
    return TemplateResponse(request, "admin/add_passkey.html", context)


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
            return _with_codes(request, codes, "The authenticator app is added.")
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Add an authenticator app",
        "form": form,
        "secret": secret,
        "image": mark_safe(qr_code(user, secret)),  # noqa: S308 (an image that allauth draws)
    }
    return TemplateResponse(request, "admin/turn_on_second_factor.html", context)


def _with_codes(request: HttpRequest, codes: list[str], sentence: str) -> HttpResponse:
    """Recovery codes are made with the first factor only."""
    if codes:
        return _codes_page(request, codes)
    messages.success(request, sentence)
    return redirect("admin:account")


def _codes_page(request: HttpRequest, codes: list[str]) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Your recovery codes",
        "codes": codes,
        "back": reverse("admin:account"),
    }
    return TemplateResponse(request, "admin/recovery_codes.html", context)
