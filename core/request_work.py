"""Requests that keep the processors or the database busy: a few at once of each tenant, in slices that end when nobody waits
any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from threading import Event
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest

from core.connections import give_back_connections
from core.errors import OylError, TookTooLongError
from core.tenant_slots import TenantSlots

# In an ASGI scope: a `ClientLeft`.
CLIENT_LEFT = "oyl.client_left"
RETRY_SECONDS = 2


class ClientLeftError(OylError):
    """The client has disconnected."""


class ClientLeft(Event):
    """Is set when the client has disconnected, and then calls `then`."""

    def __init__(self) -> None:
        super().__init__()
        self.then: Callable[[], None] = lambda: None

    def set(self) -> None:
        super().set()
        self.then()


def _slots(most: int, wait_seconds: float) -> TenantSlots:
    """Who waits for one holds no database connection."""
    return TenantSlots(most=most, wait_seconds=wait_seconds, before_wait=give_back_connections)


@cache
def connection_slots() -> TenantSlots:
    """Of database connections: a quarter of the pool, so that no tenant's requests use it up while they wait for locks."""
    pool = settings.DATABASES[DEFAULT_DB_ALIAS]["OPTIONS"]["pool"]
    return _slots(most=max(1, pool["max_size"] // 4), wait_seconds=5.0)


@cache
def bulk_slots() -> TenantSlots:
    """Of requests that change many rows; they wait for the same locks."""
    return _slots(most=2, wait_seconds=5.0)


@cache
def embedding_slots() -> TenantSlots:
    return _slots(most=2, wait_seconds=2.0)


@cache
def search_slots() -> TenantSlots:
    """Searches are short, so that they wait for each other rather than to be refused."""
    return _slots(most=4, wait_seconds=10.0)


class RequestWork:
    """The work of one request, which `check`s between its slices whether to go on."""

    def __init__(
        self, request: HttpRequest, seconds: float, on_leaving: Callable[[], None] = lambda: None
    ) -> None:
        """`on_leaving` is called in the event loop as soon as the client leaves, for work that waits between its slices."""
        scope: dict[str, Any] = getattr(request, "scope", {})
        self._client_left, self._deadline = scope.get(CLIENT_LEFT), time.monotonic() + seconds
        if self._client_left:
            self._client_left.then = on_leaving

    def check(self) -> None:
        """Raises ClientLeftError, TookTooLongError."""
        if self._client_left and self._client_left.is_set():
            raise ClientLeftError
        if time.monotonic() > self._deadline:
            raise TookTooLongError
