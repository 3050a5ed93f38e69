"""Waiting after failed attempts, in exponential steps, counted in Redis for all processes together. There is no hard lock:
an attempt after the wait is always allowed, so that nobody locks somebody else out for long.

While Redis is away, each process counts by itself.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage

from core.rate_limits import REDIS_TIMEOUT_SECONDS

WINDOW_SECONDS, LONGEST_WAIT_SECONDS = 15 * 60, 64


@dataclass(frozen=True, slots=True)
class Subject:
    """What is counted: `free` failures in 15 minutes need no wait."""

    kind: str
    value: str
    free: int

    @property
    def key(self) -> str:
        return f"{self.kind}/{hashlib.sha256(self.value.encode(errors='replace')).hexdigest()}"


class FailedAttempts:
    def __init__(self, url: str) -> None:
        self._shared = RedisStorage(
            url,
            key_prefix="oyl-attempts",
            wrap_exceptions=True,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        )
        self._local = MemoryStorage()

    def wait(self, *subjects: Subject) -> int:
        """The seconds until an attempt is allowed; 0 if it is."""
        return self._either(lambda storage: max(_remaining(storage, subject) for subject in subjects))

    def count(self, *subjects: Subject) -> None:
        """Count an attempt as failed, before its outcome is known: so no number of simultaneous attempts avoids the wait."""
        self._either(lambda storage: max(_count(storage, subject) for subject in subjects))

    def is_first_refusal(self, subject: Subject, wait: int) -> bool:
        """Whether no attempt of the subject was refused during this wait."""
        return self._either(lambda storage: storage.incr(f"refused/{subject.key}", wait)) == 1

    def forget(self, subject: Subject) -> None:
        """After a success."""
        self._either(lambda storage: _forget(storage, subject))

    def _either(self, use: Callable[[Storage], int]) -> int:
        try:
            return use(self._shared)
        except StorageError:
            return use(self._local)


def _remaining(storage: Storage, subject: Subject) -> int:
    key = f"wait/{subject.key}"
    return max(0, math.ceil(storage.get_expiry(key) - time.time())) if storage.get(key) else 0


def _count(storage: Storage, subject: Subject) -> int:
    failures = storage.incr(f"failures/{subject.key}", WINDOW_SECONDS)
    if failures >= subject.free:
        wait = min(2 ** min(failures - subject.free, 10), LONGEST_WAIT_SECONDS)
        storage.clear(f"wait/{subject.key}")
        storage.incr(f"wait/{subject.key}", wait)
    return failures


def _forget(storage: Storage, subject: Subject) -> int:
    storage.clear(f"failures/{subject.key}")
    storage.clear(f"wait/{subject.key}")
    return 0


@cache
def _attempts_for(url: str) -> FailedAttempts:
    return FailedAttempts(url)


def failed_attempts() -> FailedAttempts:
    return _attempts_for(settings.REDIS_URL)
