"""How long PostgreSQL lets the application work: for a statement, waiting for a lock, and a transaction without a statement.

`deploy/roles.sql` gives the application's role the limits of requests, also for statements outside of a scope; each scope
sets those of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import Error as DatabaseError
from psycopg.errors import IdleInTransactionSessionTimeout, LockNotAvailable, QueryCanceled

# What PostgreSQL raises when a limit is reached.
STOPPED = (QueryCanceled, LockNotAvailable, IdleInTransactionSessionTimeout)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """In seconds."""

    statement: float
    lock: float
    idle: float

    @property
    def settings(self) -> dict[str, str]:
        """PostgreSQL's settings with their values, in milliseconds."""
        return {
            "statement_timeout": f"{self.statement * 1000:.0f}",
            "lock_timeout": f"{self.lock * 1000:.0f}",
            "idle_in_transaction_session_timeout": f"{self.idle * 1000:.0f}",
        }


REQUEST = TimeLimits(statement=30, lock=10, idle=60)
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


def was_stopped(error: BaseException) -> bool:
    """Whether PostgreSQL stopped a statement or a transaction because of a limit."""
    return isinstance(error, DatabaseError) and isinstance(error.__cause__, STOPPED)
