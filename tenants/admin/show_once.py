"""The page that shows a secret once, after the form that made it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from core.admin.base import TenantAdmin
from core.encryption.keyring import ciphers

SESSION_KEY = "shown_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What is shown once, with a title, and advice what to do with it."""

    title: str
    label: str
    text: str
    advice: str
    list_url: str


def show_once(
    page: TenantAdmin, request: HttpRequest, *, title: str, label: str, text: str, advice: str
) -> HttpResponse:
    """A redirect, so that loading the page again does not send the form again. The secret waits in the session, encrypted,
    until it is shown."""
    list_url = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
    secret = Secret(title=title, label=label, text=text, advice=advice, list_url=list_url)
    cipher = next(iter(ciphers().values()))
    request.session[SESSION_KEY] = b64encode(cipher.encrypt(json.dumps(asdict(secret)).encode())).decode()
    return redirect("admin:shown-once")


def shown_once_page(request: HttpRequest) -> HttpResponse:
    """The secret of the form before, which the session then forgets."""
    encrypted = request.session.pop(SESSION_KEY, None)
    secret = Secret(**_decrypted(encrypted)) if encrypted else None
    context = {
        **admin.site.each_context(request),
        "title": secret.title if secret else "Shown already",
        "secret": secret,
    }
    return TemplateResponse(request, "admin/show_once.html", context)


def _decrypted(encrypted: str) -> dict[str, str]:
    cipher = next(iter(ciphers().values()))
    values: dict[str, str] = json.loads(cipher.decrypt(b64decode(encrypted)))
    return values
