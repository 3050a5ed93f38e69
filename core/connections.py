"""Database connections: a thread gives its own back as soon as it has used it, because there are few for many requests.

A connection belongs to the thread that opened it. If the thread ends without giving it back, the pool has lost it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import sync_to_async  # noqa: TID251
from django.db import InterfaceError, OperationalError, connections
from psycopg.errors import CannotConnectNow, TooManyConnections
from psycopg_pool import PoolTimeout, TooManyRequests

from core.tenant_slots import TooBusyError

T = TypeVar("T")
# Neither the pool nor PostgreSQL has a connection to spare.
BUSY_ERRORS = (PoolTimeout, TooManyRequests, TooManyConnections, CannotConnectNow)
# What may work a moment later: the database is away, or has no free connection, or none for this tenant.
UNAVAILABLE = (OperationalError, InterfaceError, TooBusyError)
INSIST_SECONDS, PAUSE_SECONDS = 60.0, 0.5


def give_back_connections() -> None:
    """Return this thread's connections to their pool, except one with an open transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


async def run_in_thread(function: Callable[[], T]) -> T:
    """Run a function that may use the database in the request's thread, and give its connection back at the end, also when
    the caller is cancelled meanwhile: the thread ends the function even then."""

    def run() -> T:
        try:
            return function()
        finally:
            give_back_connections()

    return await sync_to_async(run)()


def insist(work: Callable[[], T]) -> T:
    """Do what must not get lost, again and again for a minute while the database is busy or away. It opens its own scope."""
    until = time.monotonic() + INSIST_SECONDS
    while True:
        try:
            return work()
        except UNAVAILABLE:
            if time.monotonic() > until:
                raise
        finally:
            give_back_connections()
        time.sleep(PAUSE_SECONDS)


def is_database_busy(error: BaseException | None) -> bool:
    """Whether the error says that no connection was free."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, BUSY_ERRORS)
