"""How long PostgreSQL lets the application work: for a statement, waiting for a lock, a transaction without a statement, and
a transaction as a whole.

`deploy/roles.sql` gives the application's role the limits of requests, also for statements outside of a scope; each scope
sets those of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import Error as DatabaseError
from psycopg.errors import (
    IdleInTransactionSessionTimeout,
    LockNotAvailable,
    QueryCanceled,
    TransactionTimeout,
)

# What PostgreSQL raises when a limit is reached.
STOPPED = (QueryCanceled, LockNotAvailable, IdleInTransactionSessionTimeout, TransactionTimeout)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """In seconds; 0 is no limit. Only requests have one for a whole transaction."""

    statement: float
    lock: float
    idle: float
    transaction: float = 0

    @property
    def are_of_a_request(self) -> bool:
        return self.transaction > 0

    @property
    def settings(self) -> dict[str, str]:
        """PostgreSQL's settings with their values, in milliseconds."""
        return {
            "statement_timeout": f"{self.statement * 1000:.0f}",
            "lock_timeout": f"{self.lock * 1000:.0f}",
            "idle_in_transaction_session_timeout": f"{self.idle * 1000:.0f}",
            "transaction_timeout": f"{self.transaction * 1000:.0f}",
        }


REQUEST = TimeLimits(statement=30, lock=10, idle=30, transaction=30)
# Of requests that change many rows, and would wait for each other.
BULK_REQUEST = TimeLimits(statement=30, lock=3, idle=30, transaction=30)
# For tasks and commands. A worker that reports nothing for half an hour loses its job.
BULK = TimeLimits(statement=1800, lock=120, idle=600)
_limits: ContextVar[TimeLimits] = ContextVar("limits", default=REQUEST)


def current_limits() -> TimeLimits:
    return _limits.get()


@contextmanager
def time_limits(limits: TimeLimits) -> Iterator[None]:
    """The limits of the scopes that are opened in this block. Other threads do not inherit them."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def waited_for_lock(error: BaseException) -> bool:
    """Whether PostgreSQL stopped a statement that waited for what another transaction changes."""
    return isinstance(error, DatabaseError) and isinstance(error.__cause__, LockNotAvailable)


def was_stopped(error: BaseException) -> bool:
    """Whether PostgreSQL stopped a statement or a transaction because of a limit."""
    return isinstance(error, DatabaseError) and isinstance(error.__cause__, STOPPED)
