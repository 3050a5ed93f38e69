"""Sessions in PostgreSQL, which the application's database role reaches by their keys only: functions read, write and
delete one session at a time. Otherwise one SQL injection would read everybody's session keys, or sign everybody out.

PostgreSQL never gets a key, only its SHA-256. A slow hash would not make a key of 32 random characters harder to guess.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.http import HttpRequest, HttpResponse

from core.database_functions import call_function

BEGUN, SEEN, PASSWORD_ENTERED = "begun", "seen", "password_entered"
SEEN_EVERY_SECONDS = 300


class SessionStore(SessionBase):
    def load(self) -> dict[str, Any]:
        data = self.session_key and call_function("oyl_session", _hash(self.session_key))
        if data is None:
            self._session_key = None
            return {}
        return self.decode(data)

    def exists(self, session_key: str | None) -> bool:
        return bool(call_function("oyl_session_exists", _hash(session_key)))

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Raises CreateError if the key exists, and UpdateError if the session was deleted meanwhile."""
        if self.session_key is None:
            return self.create()
        data = self.encode(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        values = (_hash(self.session_key), data, self.get_expiry_date(), must_create)
        if not call_function("oyl_save_session", *values):
            raise CreateError if must_create else UpdateError
        return None

    def delete(self, session_key: str | None = None) -> None:
        call_function("oyl_delete_session", _hash(session_key or self.session_key))

    @classmethod
    def clear_expired(cls) -> None:
        delete_expired_sessions()


def delete_expired_sessions() -> int:
    """Return their number."""
    return int(call_function("oyl_delete_expired_sessions"))


def _hash(session_key: str | None) -> str | None:
    return session_key and hashlib.sha256(session_key.encode(errors="replace")).hexdigest()


class SessionAgeMiddleware:
    """Ends a sign-in that is older than OYL_SESSION_DAYS. Django ends one that was not used for OYL_SESSION_IDLE_HOURS: it
    is saved with that age whenever it changes, which is every five minutes of use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            now, session = int(time.time()), request.session
            if now - session.setdefault(BEGUN, now) > settings.OYL_SESSION_DAYS * 86_400:
                logout(request)
            elif now - session.get(SEEN, 0) > SEEN_EVERY_SECONDS:
                session[SEEN] = now
        return self.get_response(request)
