"""A circuit breaker: an endpoint that has failed several times in a row is left alone for a while."""

from __future__ import annotations

import time
from threading import Lock


class CircuitBreaker:
    """After `failures` in a row it is open for `seconds`; then one call tries, and its outcome closes it or opens it again.
    Thread-safe."""

    def __init__(self, *, failures: int, seconds: float) -> None:
        self._limit, self._seconds = failures, seconds
        self._lock, self._count, self._open_until = Lock(), 0, 0.0

    def seconds_to_wait(self) -> float:
        """0 if the call may be made; of several callers after the wait, one may."""
        with self._lock:
            wait = self._open_until - time.monotonic()
            if self._count >= self._limit and wait <= 0:
                self._open_until = time.monotonic() + self._seconds
            return max(wait, 0.0) if self._count >= self._limit else 0.0

    def record(self, *, failed: bool) -> None:
        with self._lock:
            self._count = self._count + 1 if failed else 0
            if self._count >= self._limit:
                self._open_until = time.monotonic() + self._seconds
