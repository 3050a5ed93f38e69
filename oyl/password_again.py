"""The page that asks for the password again before people, keys or secrets are changed, and then goes on with the change."""

from __future__ import annotations

import time
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.widgets import UnfoldAdminPasswordWidget

from core.admin.base import redirect_or_htmx
from core.recent_password import MINUTES
from core.requests import TenantRequest, opens_own_scopes
from core.sessions import PASSWORD_ENTERED
from oyl.sign_in import PresentPassword, person, with_outcome
from tenants.models import User
from tenants.services.sign_ins import record_confirmation

OWN_FIELDS = {"present_password", "csrfmiddlewaretoken"}


class PasswordAgainForm(PresentPassword, forms.Form):
    present_password = forms.CharField(
        label="Your password",
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data)
        self.request = request

    def clean_present_password(self) -> str:
        return self.check_present(self.cleaned_data["present_password"])


def ask_password(
    request: HttpRequest, form: PasswordAgainForm | None = None, address: str = ""
) -> HttpResponse:
    """The page has what was sent in hidden fields, so that nothing has to be entered twice. A dialog, which has no room for
    a page, is opened again afterwards."""
    if "HX-Request" in request.headers:
        page = urlsplit(request.headers.get("HX-Current-URL", "")).path
        return redirect_or_htmx(request, f"{reverse('admin:confirm_password')}?{urlencode({'next': page})}")
    sent = [(name, value) for name, values in request.POST.lists() for value in values]
    context = {
        **admin.site.each_context(request),
        "title": "Enter your password again",
        "form": form or PasswordAgainForm(request),
        "minutes": MINUTES,
        "sent": [(name, value) for name, value in sent if name not in OWN_FIELDS],
        "next": address or request.get_full_path(),
        "back": urlsplit(request.headers.get("Referer", "")).path,
    }
    return TemplateResponse(request, "admin/password_again.html", context)


@opens_own_scopes
def confirm_page(request: HttpRequest) -> HttpResponse:
    """After the right password, the browser sends the fields of the interrupted form again, to where they were meant for."""
    address = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}):
        address = reverse("admin:index")
    form = PasswordAgainForm(request, request.POST or None)
    if not form.is_valid():
        return with_outcome(ask_password(request, form, address))
    request.session[PASSWORD_ENTERED] = int(time.time())
    record_confirmation(actor=person(cast(TenantRequest, request)), user=cast(User, request.user))
    goes_on = not OWN_FIELDS.issuperset(request.POST)
    if not goes_on:
        messages.success(request, f"You may change people, keys and secrets for {MINUTES} minutes.")
    return HttpResponseRedirect(address, preserve_request=goes_on)
