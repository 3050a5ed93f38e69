"""Signing in by password: every door uses this backend. An account and an address wait longer after each wrong password, and
each attempt is an event of the platform. Neither the answer nor its time tells whether there is an account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from audit.platform import record_platform
from core.actors import ActorKind, PlatformActor
from core.errors import OylError
from core.failed_attempts import Subject, failed_attempts
from core.requests import client_address, client_group
from tenants import passwords
from tenants.models import User

FREE_OF_ACCOUNT, FREE_OF_ADDRESS = 10, 100
# A browser in which somebody has signed in is counted apart: strangers cannot make its user wait.
BROWSER_COOKIE, BROWSER_SECONDS = "oyl_browser", 365 * 24 * 3600
LONGEST_EMAIL = 254


class SignInWaitError(OylError):
    """Too many attempts."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts to sign in. Wait {seconds} seconds, and try again.")
        self.wait = seconds


class PasswordBackend(ModelBackend):
    @sensitive_variables("password")
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Raises SignInWaitError and PasswordsBusyError."""
        if not username or not password:
            return None
        email = username.strip().lower()
        subjects = _subjects(request, email)
        _refuse_before_its_time(request, email, subjects)
        failed_attempts().count(*subjects)
        user = User.objects.filter(email=email).first()
        is_right = passwords.matches(user.pk if user else None, password)
        if user is None or not is_right or not user.is_active:
            _record(request, "sign_in.failed", email, user)
            return None
        failed_attempts().forget(subjects[0])
        return user


def remember_browser(response: HttpResponse, user: User) -> None:
    """After a sign-in."""
    value = signing.dumps(user.email, salt=BROWSER_COOKIE)
    response.set_cookie(
        BROWSER_COOKIE,
        value,
        max_age=BROWSER_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.OYL_HTTPS,
    )


def _subjects(request: HttpRequest | None, email: str) -> list[Subject]:
    account = _account(request, email)
    return [account, Subject("address", client_group(request), FREE_OF_ADDRESS)] if request else [account]


def _account(request: HttpRequest | None, email: str) -> Subject:
    cookie = request.COOKIES.get(BROWSER_COOKIE, "") if request else ""
    try:
        is_known = signing.loads(cookie, salt=BROWSER_COOKIE, max_age=BROWSER_SECONDS) == email
    except signing.BadSignature:
        is_known = False
    return (
        Subject("browser", cookie, FREE_OF_ACCOUNT)
        if is_known
        else Subject("account", email, FREE_OF_ACCOUNT)
    )


def _refuse_before_its_time(request: HttpRequest | None, email: str, subjects: list[Subject]) -> None:
    """Raises SignInWaitError. The first refusal of a wait is recorded."""
    if wait := failed_attempts().wait(*subjects):
        if failed_attempts().is_first_refusal(subjects[0], wait):
            _record(request, "sign_in.throttled", email, None, wait=wait)
        raise SignInWaitError(wait)


def _record(request: HttpRequest | None, action: str, email: str, user: User | None, **payload: Any) -> None:
    """What was entered is kept only if it looks like an address: people type passwords into the wrong field."""
    actor = PlatformActor(
        kind=ActorKind.USER,
        credential="password",
        user_id=user.pk if user else None,
        request_id=getattr(request, "id", ""),
    )
    is_address = "@" in email and len(email) <= LONGEST_EMAIL
    address = client_address(request) if request else ""
    record_platform(actor=actor, action=action, email=email if is_address else "", address=address, **payload)
