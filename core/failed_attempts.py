"""Waiting after failed attempts, in exponential steps, counted in Redis for all processes together.

Each subject waits by itself: after its wait it may make an attempt, whatever others do. An attempt during
the wait begins a longer one. While Redis is away, each process counts by itself.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from django.conf import settings
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage

from core.rate_limits import REDIS_TIMEOUT_SECONDS, one_retry

LONGEST_WAIT_SECONDS = 15 * 60
# Longer than the longest wait, so that an attempt after it is known to have waited.
WINDOW_SECONDS = 3600
KNOWN_SECONDS = 90 * 24 * 3600
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is counted: `free` failures within `window` seconds need no wait. Attempts during the wait prolong it, unless
    many people may make them."""

    kind: str
    value: str
    free: int
    window: int = WINDOW_SECONDS
    longest: int = LONGEST_WAIT_SECONDS
    is_prolonged: bool = True

    @property
    def key(self) -> str:
        return f"{self.kind}/{hashlib.sha256(self.value.encode(errors='replace')).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Turn:
    """When an attempt may be made: after `wait` seconds, or now if this is 0. `is_first` is the first refusal of a wait."""

    wait: int = 0
    is_first: bool = False


class FailedAttempts:
    def __init__(self, url: str) -> None:
        self._shared = RedisStorage(
            url,
            key_prefix="oyl-attempts",
            wrap_exceptions=True,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            retry=one_retry(),
        )
        self._local = MemoryStorage()

    def begin(self, subject: Subject, least_wait: int = 0) -> Turn:
        """Count an attempt as failed, before its outcome is known, so that simultaneous attempts do not avoid the wait. With
        `least_wait`, a subject without earlier attempts waits, too, and each later wait is at least as long."""
        return self._either(lambda storage: _begin(storage, subject, least_wait))

    def give_back(self, subject: Subject) -> None:
        """The attempt was no failure, or it was not made: it counts no more."""
        self._either(lambda storage: _give_back(storage, subject))

    def forget(self, subject: Subject) -> None:
        """After a success."""
        self._either(lambda storage: [storage.clear(f"{name}/{subject.key}") for name in STATES])

    def add(self, subject: Subject) -> None:
        """Count a failure of a subject that does not wait itself."""
        self._either(lambda storage: storage.incr(f"failures/{subject.key}", subject.window))

    def excess(self, subject: Subject) -> int:
        """The number of failures beyond the free ones, `longest` at most."""
        failures = self._either(lambda storage: storage.get(f"failures/{subject.key}"))
        return min(max(0, failures - subject.free), subject.longest)

    def remember(self, subject: Subject) -> None:
        """After a success, for 90 days."""
        self._either(lambda storage: storage.incr(f"known/{subject.key}", KNOWN_SECONDS))

    def is_known(self, subject: Subject) -> bool:
        return self._either(lambda storage: storage.get(f"known/{subject.key}")) > 0

    def _either(self, use: Callable[[Storage], Result]) -> Result:
        try:
            return use(self._shared)
        except StorageError:
            return use(self._local)


# The attempts within the window; the present wait; and that of an attempt during it.
STATES = FAILURES, WAIT, PROLONGED = "failures", "wait", "prolonged"


def _begin(storage: Storage, subject: Subject, least: int) -> Turn:
    """Adding to a counter is atomic: of simultaneous attempts, one begins the next wait, and may be made."""
    number = storage.incr(f"{FAILURES}/{subject.key}", subject.window)
    if number < subject.free and not least:
        return Turn()
    step = 2 ** min(max(number - subject.free, 0), 10)
    wait = max(min(step, subject.longest), least)
    place = storage.incr(f"{WAIT}/{subject.key}", wait)
    if place == 1 and least and number == 1:
        return Turn(wait, is_first=True)
    if place == 1 and not storage.get(f"{PROLONGED}/{subject.key}"):
        return Turn()
    return Turn(_prolong(storage, subject, wait), is_first=place == 2)


def _prolong(storage: Storage, subject: Subject, wait: int) -> int:
    """Return the seconds that are left."""
    left = int(storage.get_expiry(f"{WAIT}/{subject.key}") - time.time()) + 1
    if not subject.is_prolonged:
        storage.incr(f"{FAILURES}/{subject.key}", subject.window, -1)
        return left
    storage.clear(f"{PROLONGED}/{subject.key}")
    storage.incr(f"{PROLONGED}/{subject.key}", wait)
    return max(left, wait)


def _give_back(storage: Storage, subject: Subject) -> None:
    storage.incr(f"{FAILURES}/{subject.key}", subject.window, -1)
    storage.clear(f"{WAIT}/{subject.key}")


@cache
def _attempts_for(url: str) -> FailedAttempts:
    return FailedAttempts(url)


def failed_attempts() -> FailedAttempts:
    return _attempts_for(settings.REDIS_URL)
