"""Sessions in PostgreSQL, which the application's database role reaches by their keys only: functions read, write and
delete one session at a time. Otherwise one SQL injection would read everybody's session keys, or sign everybody out.

PostgreSQL never gets a key, only its SHA-256. A slow hash would not make a key of 32 random characters harder to guess.
Beside the session stand its person, address and browser, by which people see theirs.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, logout
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.http import HttpRequest, HttpResponse

from core.database_functions import call_function
from core.requests import client_address

BEGUN, SEEN, PASSWORD_ENTERED = "begun", "seen", "password_entered"
ADDRESS, BROWSER = "address", "browser"
SEEN_EVERY_SECONDS, LONGEST_BROWSER = 300, 300


@dataclass(frozen=True, slots=True)
class ListedSession:
    """`id` is the SHA-256 of the session's key."""

    id: str
    address: str
    browser: str
    begun: datetime | None
    seen: datetime


class SessionStore(SessionBase):
    def load(self) -> dict[str, Any]:
        data = self.session_key and call_function("oyl_session", session_id(self.session_key))
        if data is None:
            self._session_key = None
            return {}
        return self.decode(data)

    def exists(self, session_key: str | None) -> bool:
        return bool(call_function("oyl_session_exists", session_id(session_key)))

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
        values = (session_id(self.session_key), data, self.get_expiry_date(), must_create)
        if not call_function("oyl_save_session", *values, *self._listed()):
            raise CreateError if must_create else UpdateError
        return None

    def _listed(self) -> tuple[Any, ...]:
        """What stands beside the session."""
        begun = self.get(BEGUN)
        return (
            self.get(USER_KEY),
            self.get(HASH_SESSION_KEY),
            self.get(ADDRESS),
            self.get(BROWSER),
            datetime.fromtimestamp(begun, UTC) if begun else None,
        )

    def delete(self, session_key: str | None = None) -> None:
        call_function("oyl_delete_session", session_id(session_key or self.session_key))

    @classmethod
    def clear_expired(cls) -> None:
        delete_expired_sessions()


def delete_expired_sessions() -> int:
    """Return their number."""
    return int(call_function("oyl_delete_expired_sessions"))


def sessions_of(user: AbstractBaseUser) -> list[ListedSession]:
    """Those by which the person is signed in now, the last used first; 100 at most."""
    rows = call_function("oyl_sessions_of", user.pk, user.get_session_auth_hash())
    return [
        ListedSession(
            id=row["id"],
            address=row["address"] or "",
            browser=row["browser"] or "",
            begun=row["begun"] and datetime.fromisoformat(row["begun"]),
            seen=datetime.fromisoformat(row["seen"]),
        )
        for row in json.loads(rows)  # Django gives JSON as text
    ]


def end_session(user: AbstractBaseUser, of_session: str) -> bool:
    """Whether it was a session of the person."""
    return bool(call_function("oyl_end_session", user.pk, of_session))


def session_id(session_key: str | None) -> str | None:
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
                session[ADDRESS] = client_address(request)
                session[BROWSER] = request.headers.get("User-Agent", "")[:LONGEST_BROWSER]
        return self.get_response(request)
