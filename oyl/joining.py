"""The public pages behind links: accepting an invitation, and choosing a new password.

The first request exchanges the link's token for its hash in the session, and is redirected to an address without it, so that
the token is in no `Referer`. Opening a link changes nothing: programs that check mails open links, too.
"""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.password_validation import (
    password_validators_help_text_html,
    validate_password,
)
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from core.actors import ActorKind, PlatformActor
from core.errors import NotFoundError, OylError
from core.rate_limits import Quota, rate_limiter
from core.requests import client_group, opens_own_scopes
from oyl.pending_sign_in import begin
from oyl.sign_in import ErrorsInForm, with_outcome
from oyl.site import signed_in
from oyl.tenant_marks import marked_name
from tenants.access import PendingInvitation, hash_secret, pending_invitation
from tenants.middleware import SESSION_KEY, MemberRequest
from tenants.models import User
from tenants.passwords import hash_password
from tenants.second_factors import has_second_factor
from tenants.services.invitations import Answer, Proof, accept_invitation, proof_needed
from tenants.services.sign_ins import store_password, tell_own_tenants

TOKEN_HASH = "invitation"  # noqa: S105 (a name in the session)

ANOTHER = (
    "Nothing was accepted, because this browser has opened another invitation meanwhile, or this one has changed. Read what"
    " it says now. To accept the one before, open its link again."
)


def _password(label: str, autocomplete: str, help_text: Any = "") -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, widget=widget, strip=False, help_text=help_text)


class AcceptForm(forms.Form):
    """Asks for what the person must prove, and no more."""

    name = forms.CharField(
        label="Your name", max_length=255, required=False, widget=UnfoldAdminTextInputWidget
    )
    current_password = _password("Your present password", "current-password")
    new_password = _password("Choose a password", "new-password", password_validators_help_text_html())
    repeated_password = _password("The same password again", "new-password")
    wait = 0

    def __init__(self, proof: Proof, email: str, *args: Any) -> None:
        super().__init__(*args)
        self.email = email
        asked = {"name": proof.name, "current_password": proof.current}
        asked |= dict.fromkeys(("new_password", "repeated_password"), proof.new)
        for name in (name for name, is_asked in asked.items() if not is_asked):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if new := cleaned.get("new_password"):
            if new != cleaned.get("repeated_password"):
                self.add_error("repeated_password", "The two passwords differ.")
            try:
                validate_password(new, User(email=self.email, name=cleaned.get("name", "")))
            except ValidationError as error:
                self.add_error("new_password", error)
        return cleaned

    def answer(self) -> Answer:
        return Answer(
            **{name: value for name, value in self.cleaned_data.items() if name != "repeated_password"}
        )


def _digest(invitation: PendingInvitation) -> str:
    """Of what the page shows. The form sends it back, because the link in the browser's session is the one that was opened
    last, and any web page can open another one."""
    shown = (invitation.token_hash, str(invitation.tenant_id), invitation.tenant_name, invitation.role)
    return salted_hmac(TOKEN_HASH, "\n".join(shown)).hexdigest()


def _is_too_often(request: HttpRequest) -> bool:
    """Count the request for its address, which limits the guessing of passwords."""
    quota = Quota("address", settings.OYL_ADDRESS_REQUESTS, f"join/{client_group(request)}")
    return not rate_limiter().count([quota], credential=quota.subject).allowed


def _page(request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Join an organisation", **context}
    return TemplateResponse(request, "join.html", context, status=status)


@never_cache
@require_GET
@opens_own_scopes
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    if _is_too_often(request):
        return _page(request, 429, problem="Too many requests came from your address. Try again in a minute.")
    request.session[TOKEN_HASH] = hash_secret(token)
    response = redirect("join")
    response["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@require_http_methods(["GET", "POST"])
@opens_own_scopes
def join(request: HttpRequest) -> HttpResponse:
    """Accept the invitation whose link was opened in this browser."""
    if _is_too_often(request):
        return _page(request, 429, problem="Too many requests came from your address. Try again in a minute.")
    invitation = pending_invitation(request.session.get(TOKEN_HASH, ""))
    try:
        if invitation is None:
            raise NotFoundError(
                "This link does not work any more: it was used, replaced or revoked, or it has expired."
            )
        user = User.objects.filter(email=invitation.email).first()
        proof = proof_needed(invitation, user)
    except OylError as error:
        return _page(request, 404, problem=str(error))
    is_shown = constant_time_compare(request.POST.get("shown", ""), shown := _digest(invitation))
    form = AcceptForm(proof, invitation.email, request.POST if is_shown else None)
    if request.method == "POST" and not is_shown:
        messages.warning(request, ANOTHER)
    if form.is_valid():
        try:
            return _accept(cast(MemberRequest, request), invitation, form.answer())
        except OylError as error:
            form.add_error(None, str(error))
            form.wait = getattr(error, "wait", 0)
    tenant = marked_name(invitation.tenant_id, invitation.tenant_name)
    return with_outcome(
        _page(request, invitation=invitation, tenant=tenant, form=form, proof=proof, shown=shown)
    )


def _accept(request: MemberRequest, invitation: PendingInvitation, answer: Answer) -> HttpResponse:
    """Sign the person in. They enter the organisation only if they have no other; otherwise they choose when to."""
    account = accept_invitation(invitation=invitation, answer=answer, request=request)
    if not settings.OYL_PASSWORD_SIGN_IN:
        request.session.pop(TOKEN_HASH, None)
        messages.success(request, f"You are a member of {invitation.tenant_name} now. Sign in.")
        return redirect("admin:login")
    if has_second_factor(account.pk):
        request.session.pop(TOKEN_HASH, None)
        return redirect(begin(request, account))
    login(request, account)
    request.session.pop(TOKEN_HASH, None)
    request.session.pop(SESSION_KEY, None)
    response = HttpResponseRedirect(reverse("admin:index"))
    signed_in(request, response)
    messages.success(request, f"You are a member of {invitation.tenant_name} now.")
    return response


class LinkPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """The link's token is also the proof that PostgreSQL wants for an operator."""

    def __init__(self, user: User, token: str, request_id: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.token, self.request_id = token, request_id

    def save(self, commit: bool = True) -> User:
        actor = PlatformActor(
            kind=ActorKind.OPERATOR if self.user.is_superuser else ActorKind.USER,
            credential="link",
            user_id=self.user.pk,
            request_id=self.request_id,
        )
        hashed = hash_password(self.cleaned_data["new_password1"])
        store_password(actor=actor, user=self.user, hashed=hashed, proof=self.token)
        tell_own_tenants(actor=actor, user=self.user, action="password.changed")
        return cast(User, self.user)


@method_decorator(opens_own_scopes, name="dispatch")
class SetPasswordView(ErrorsInForm, PasswordResetConfirmView):
    """Choose a new password by an operator's link. Django's view takes the token out of the address, too."""

    form_class = LinkPasswordForm
    template_name = "set_password.html"
    success_url = reverse_lazy("admin:login")

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        for field in form.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs=field.widget.attrs)
        return form

    def get_form_kwargs(self) -> dict[str, Any]:
        session, request = self.request.session, cast(MemberRequest, self.request)
        token = session.get(INTERNAL_RESET_SESSION_TOKEN, "")
        return {**super().get_form_kwargs(), "token": token, "request_id": request.id}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        if response.status_code == 302:
            messages.success(self.request, "Your password is set. Sign in.")
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}
