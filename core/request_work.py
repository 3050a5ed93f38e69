"""Requests that keep the processors busy: a few at once of each tenant, in slices that end when nobody waits any more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Condition
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from core.errors import OylError, TookTooLongError

# In an ASGI scope: an event that is set when the client has disconnected.
CLIENT_LEFT = "oyl.client_left"
RETRY_SECONDS = 2


class TooBusyError(OylError):
    """Other requests of your organisation keep this process busy. `Retry-After` says when to try again."""


class ClientLeftError(OylError):
    """The client has disconnected."""


class TenantSlots:
    """So many pieces of work at once of each tenant, in this process."""

    def __init__(self, most: int, wait_seconds: float) -> None:
        self._most, self._wait_seconds = most, wait_seconds
        self._free, self._held = Condition(), Counter[UUID]()

    @contextmanager
    def hold(self, tenant_id: UUID) -> Iterator[None]:
        """Raises TooBusyError when no slot is free after the wait. Not to be called inside a scope, whose connection would
        wait, too."""
        with self._free:
            if not self._free.wait_for(lambda: self._held[tenant_id] < self._most, self._wait_seconds):
                raise TooBusyError
            self._held[tenant_id] += 1
        try:
            yield
        finally:
            with self._free:
                self._held[tenant_id] -= 1
                self._held += Counter()  # without those that hold none
                self._free.notify_all()


@cache
def embedding_slots() -> TenantSlots:
    return TenantSlots(most=2, wait_seconds=2.0)


@cache
def search_slots() -> TenantSlots:
    """Searches are short, so that they wait for each other rather than to be refused."""
    return TenantSlots(most=4, wait_seconds=10.0)


class RequestWork:
    """The work of one request, which `check`s between its slices whether to go on."""

    def __init__(self, request: HttpRequest, seconds: float) -> None:
        scope: dict[str, Any] = getattr(request, "scope", {})
        self._client_left, self._deadline = scope.get(CLIENT_LEFT), time.monotonic() + seconds

    def check(self) -> None:
        """Raises ClientLeftError, TookTooLongError."""
        if self._client_left and self._client_left.is_set():
            raise ClientLeftError
        if time.monotonic() > self._deadline:
            raise TookTooLongError
