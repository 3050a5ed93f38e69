"""A sign-in between the password and the second factor."""

from __future__ import annotations

import time

from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.models import User

SESSION_KEY = "pending_sign_in"
SECONDS = 600


def begin(request: HttpRequest, user: User, address: str = "", entered_at: int | None = None) -> str:
    """Remember who has entered their password, when (None: now), and wants to go to the address, and return the address of
    the page that asks for the code. The session gets another key, so that nobody who has planted it enters the code."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = {
        "user": str(user.pk),
        "hash": user.get_session_auth_hash(),
        "until": int(time.time()) + SECONDS,
        "entered_at": entered_at,
        "next": address or request.POST.get("next") or request.GET.get("next") or "",
    }
    return reverse("second_factor")


def user_of(request: HttpRequest) -> User | None:
    """Who has entered their password here a short time ago, unless it was changed since."""
    pending = request.session.get(SESSION_KEY)
    if not pending or pending["until"] < time.time():
        return None
    user = User.objects.filter(pk=pending["user"], is_active=True).first()
    is_same = user and constant_time_compare(user.get_session_auth_hash(), pending["hash"])
    return user if is_same else None


def end(request: HttpRequest) -> tuple[str, int | None]:
    """Forget it, and return where the person wanted to go, and when the password was entered, if that was not now."""
    pending = request.session.pop(SESSION_KEY)
    return own_address(request, pending["next"]), pending.get("entered_at")


def own_address(request: HttpRequest, address: str) -> str:
    """The address, if it is one of OYL's; otherwise that of the first page."""
    is_own = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_own else reverse("admin:index")
