"""The hashes of passwords. The application's database role cannot read them: PostgreSQL gives the parameters of a stored
hash (algorithm, costs, salt), and compares what is derived from the given password with it. It stores only the SHA-256 of
that, and never shows it in a statement (`core.database_functions`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db import DEFAULT_DB_ALIAS, connection

from core.database_functions import call_function
from core.errors import OylError

# Of `BasePasswordHasher.decode`, in the order of the parameters of `encode`.
COSTS = {
    "scrypt": ("work_factor", "block_size", "parallelism"),
    "pbkdf2_sha256": ("iterations",),
    "md5": (),  # of tests
}
# A core is left to all other requests.
CONCURRENT = max(1, len(os.sched_getaffinity(0)) - 1)
WAITING, LONGEST_WAIT_SECONDS = 8, 2.0
_running, _admitted = BoundedSemaphore(CONCURRENT), BoundedSemaphore(CONCURRENT + WAITING)


class PasswordsBusyError(OylError):
    """Many people are signing in at this moment. Try again in a few seconds."""

    wait = 2  # seconds


def matches(user_id: UUID | None, password: str) -> bool:
    """Whether it is the user's password. It takes the same time for an id of nobody. Raises PasswordsBusyError."""
    return bool(call_function("oyl_password_matches", user_id, hash_like_stored(user_id, password)))


def store(user_id: UUID, hashed: str, *, proof: str = "", using: str | None = None) -> datetime:
    """Store a new password's hash. The role that owns the tables needs no proof. Raises ProgrammingError for an operator
    without what is derived from the present password, or the token of `operators.create_operator`, as the proof."""
    values = (user_id, hashed, proof)
    changed: datetime = call_function("oyl_set_password", *values, using=using or DEFAULT_DB_ALIAS)
    return changed


def hash_password(password: str) -> str:
    """Raises PasswordsBusyError."""
    hasher: Any = get_hasher()
    with _slot():
        return str(hasher.encode(password, hasher.salt()))


def hash_like_stored(user_id: UUID | None, password: str) -> str:
    """With the parameters of the stored hash; with new ones if there is none."""
    parameters = call_function("oyl_password_parameters", user_id)
    if not parameters:
        return hash_password(password)
    hasher: Any = identify_hasher(parameters)
    decoded = hasher.decode(parameters)
    with _slot():
        return str(
            hasher.encode(password, decoded["salt"], *(decoded[name] for name in COSTS[hasher.algorithm]))
        )


@contextmanager
def _slot() -> Iterator[None]:
    """Hash in a few threads at a time, and let only a few others wait, so that no number of sign-ins occupies all cores, or
    all threads. A thread that waits gives its database connection back. Raises PasswordsBusyError."""
    if not connection.in_atomic_block:
        connection.close()
    if not _admitted.acquire(blocking=False):
        raise PasswordsBusyError
    try:
        if not _running.acquire(timeout=LONGEST_WAIT_SECONDS):
            raise PasswordsBusyError
        try:
            yield
        finally:
            _running.release()
    finally:
        _admitted.release()
