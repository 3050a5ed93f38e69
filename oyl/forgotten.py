"""The page for people who have forgotten their password."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminEmailInputWidget

from core.requests import opens_own_scopes
from tenants.mail import can_mail
from tenants.services.password_links import request_password_link

SENT = "If this is the address of an account, a link is on its way to it. It works once, within 7 days."


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email", "autofocus": True}),
    )


@never_cache
@require_http_methods(["GET", "POST"])
@opens_own_scopes
def forgotten_password(request: HttpRequest) -> HttpResponse:
    """The answer is the same for every address."""
    form, helps = ForgottenForm(request.POST or None), can_mail() and settings.OYL_PASSWORD_SIGN_IN
    if helps and form.is_valid():
        request_password_link(email=form.cleaned_data["email"], request_id=getattr(request, "id", ""))
        messages.success(request, SENT)
        return redirect("admin:login")
    context = {**admin.site.each_context(request), "title": "Forgotten password", "form": form}
    return TemplateResponse(request, "forgotten_password.html", {**context, "can_mail": helps})
