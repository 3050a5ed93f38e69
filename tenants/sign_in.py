"""Signing in by password: every page that takes one uses this backend. After wrong passwords, an account waits at one
address, and not everywhere (docs/decisions/0023-operators-and-sign-in.md). Each attempt is an event of the platform.
Neither the answer nor its time tells whether there is an account."""

from __future__ import annotations

from threading import Thread
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core import signing
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from audit.platform import record_platform
from core.actors import ActorKind, PlatformActor
from core.errors import OylError
from core.failed_attempts import Subject, failed_attempts
from core.requests import client_address, client_group
from tenants import passwords
from tenants.models import User
from tenants.services.sign_ins import tell_own_tenants

# Wrong passwords that need no wait: for an account from one address or from one browser; from one address for all accounts;
# and for an account from all unknown addresses.
FREE, FREE_OF_ADDRESS, FREE_OF_ACCOUNT = 10, 100, 100
SHORT_WINDOW_SECONDS, ADDRESS_WAIT_SECONDS = 15 * 60, 64
# A browser with an earlier sign-in is counted apart: strangers cannot make its user wait.
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
        """Raises SignInWaitError, PasswordsBusyError, and TypeError without a request: its address is counted."""
        if request is None:
            raise TypeError("Give the request with which the password was sent.")
        if not username or not password:
            return None
        email = username.strip().lower()
        attempt = Attempt(request, email)
        attempt.begin()
        user = User.objects.filter(email=email).first()
        try:
            is_right = passwords.matches(user.pk if user else None, password)
        except passwords.PasswordsBusyError:
            attempt.was_not_made()
            raise
        if user is None or not is_right or not user.is_active:
            attempt.has_failed(user)
            return None
        attempt.has_succeeded()
        return user


class Attempt:
    """An attempt to sign in: what it is counted for, and whether it may be made."""

    def __init__(self, request: HttpRequest, email: str) -> None:
        self._request, self._email = request, email
        group, cookie = client_group(request), request.COOKIES.get(BROWSER_COOKIE, "")
        self._place = Subject("place", f"{email} {group}", FREE)
        self._account = Subject("account", email, FREE_OF_ACCOUNT, window=SHORT_WINDOW_SECONDS)
        self._address = Subject(
            "address", group, FREE_OF_ADDRESS, SHORT_WINDOW_SECONDS, ADDRESS_WAIT_SECONDS, is_prolonged=False
        )
        self._is_known_browser = _is_browser_of(cookie, email)
        self._is_known = self._is_known_browser or failed_attempts().is_known(self._place)
        self._own = Subject("browser", cookie, FREE) if self._is_known_browser else self._place

    def begin(self) -> None:
        """Raises SignInWaitError. The first refusal of a wait is recorded."""
        if not self._is_known_browser:
            self._begin(self._address)
        try:
            self._begin(self._own, 0 if self._is_known else failed_attempts().excess(self._account))
        except SignInWaitError:
            self._give_back_address()
            raise

    def was_not_made(self) -> None:
        failed_attempts().give_back(self._own)
        self._give_back_address()

    def has_failed(self, user: User | None) -> None:
        """The account's tenants learn of it, too: from a thread, so that the time does not tell whether there are any."""
        if not self._is_known:
            failed_attempts().add(self._account)
        self._record("sign_in.failed", user)
        actor = PlatformActor(
            kind=ActorKind.USER, credential="password", request_id=getattr(self._request, "id", "")
        )
        arguments = (actor, user, client_address(self._request))
        Thread(target=_tell_tenants, args=arguments, name="teller", daemon=True).start()

    def has_succeeded(self) -> None:
        failed_attempts().forget(self._own)
        failed_attempts().remember(self._place)
        self._give_back_address()

    def _begin(self, subject: Subject, least_wait: int = 0) -> None:
        turn = failed_attempts().begin(subject, least_wait)
        if turn.is_first:
            self._record("sign_in.throttled", None, wait=turn.wait, counted_for=subject.kind)
        if turn.wait:
            raise SignInWaitError(turn.wait)

    def _give_back_address(self) -> None:
        if not self._is_known_browser:
            failed_attempts().give_back(self._address)

    def _record(self, action: str, user: User | None, **payload: Any) -> None:
        """What was entered is kept only if it looks like an address: people type passwords into the wrong field."""
        actor = PlatformActor(
            kind=ActorKind.USER,
            credential="password",
            user_id=user.pk if user else None,
            request_id=getattr(self._request, "id", ""),
        )
        is_address = "@" in self._email and len(self._email) <= LONGEST_EMAIL
        email, address = self._email if is_address else "", client_address(self._request)
        record_platform(actor=actor, action=action, email=email, address=address, **payload)


def _tell_tenants(actor: PlatformActor, user: User | None, address: str) -> None:
    try:
        if user:
            tell_own_tenants(actor=actor, user=user, action="sign_in.failed", address=address)
    finally:
        connections.close_all()


def _is_browser_of(cookie: str, email: str) -> bool:
    try:
        signed: str = signing.loads(cookie, salt=BROWSER_COOKIE, max_age=BROWSER_SECONDS)
    except signing.BadSignature:
        return False
    return signed == email


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
