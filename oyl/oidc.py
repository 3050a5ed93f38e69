"""Signing in by the configured OpenID Connect provider: the way to it, and the way back."""

from __future__ import annotations

import time
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core.errors import ForbiddenError, OylError
from core.recent_password import MINUTES
from core.requests import client_address, opens_own_scopes
from core.sessions import PASSWORD_ENTERED
from oyl import pending_sign_in
from oyl.sign_in import person
from oyl.site import signed_in
from tenants import oidc
from tenants.middleware import MemberRequest
from tenants.models import User
from tenants.second_factors import has_second_factor
from tenants.services.oidc_sign_ins import account_for, record_refused_sign_on
from tenants.services.sign_ins import record_confirmation


@never_cache
@require_GET
@opens_own_scopes
def begin_sign_on(request: HttpRequest) -> HttpResponse:
    if settings.OIDC is None:
        raise Http404
    try:
        return oidc.begin(request, address=request.GET.get("next", ""), again="again" in request.GET)
    except OylError as error:
        messages.error(request, str(error))
        return redirect("admin:login")


@never_cache
@require_GET
@opens_own_scopes
def callback(request: HttpRequest) -> HttpResponse:
    """Every refusal is an event of the platform, and a sentence on the sign-in page."""
    if settings.OIDC is None:
        raise Http404
    known, request_id, finished = cast(MemberRequest, request), str(getattr(request, "id", "")), None
    try:
        finished = oidc.finish(request)
        user = account_for(claims=finished.claims, request_id=request_id)
        return _confirmed(known, user, finished) if finished.is_again else _signed_in(known, user, finished)
    except OylError as error:
        record_refused_sign_on(
            claims=finished.claims if finished else None,
            reason=str(error),
            request_id=request_id,
            address=client_address(request),
        )
        messages.error(request, str(error))
        return redirect("admin:index" if request.user.is_authenticated else "admin:login")


def _signed_in(request: MemberRequest, user: User, finished: oidc.Finished) -> HttpResponse:
    """The provider is no way around the second factor. A sign-in there long ago does not count as a password entered now."""
    if has_second_factor(user.pk):
        page = pending_sign_in.begin(request, user, finished.address, finished.claims.signed_in_at)
        return redirect(page)
    login(request, user)
    response = HttpResponseRedirect(pending_sign_in.own_address(request, finished.address))
    signed_in(request, response, entered_at=finished.claims.signed_in_at)
    return response


def _confirmed(request: MemberRequest, user: User, finished: oidc.Finished) -> HttpResponse:
    """What a password entered again is to others. Raises ForbiddenError."""
    if request.user != user:
        raise ForbiddenError("This was another account than yours. Sign in with your own.")
    if time.time() - finished.claims.signed_in_at > MINUTES * 60:
        raise ForbiddenError(
            "The provider did not ask you to sign in again, or does not say so. Use a password."
        )
    request.session[PASSWORD_ENTERED] = finished.claims.signed_in_at
    record_confirmation(actor=person(request), user=user)
    messages.success(request, f"You may change people, keys and secrets for {MINUTES} minutes.")
    return HttpResponseRedirect(pending_sign_in.own_address(request, finished.address))
