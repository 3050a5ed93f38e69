"""Throttling: requests are counted over a sliding minute in Redis, for all processes together.

While Redis is away each process counts by itself, with the same quotas: the API stays available, and limited.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)
WINDOW = 60
REDIS_TIMEOUT_SECONDS, REDIS_RETRY_SECONDS = 0.25, 5.0
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `amount` requests of `subject` in a minute."""

    name: str
    amount: int
    subject: str


@dataclass(frozen=True, slots=True)
class QuotaState:
    """How many requests are left of a quota, and in how many seconds it is reset."""

    quota: Quota
    allowed: bool
    remaining: int
    reset: int


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """The states of a request's quotas, in order, up to the first that is used up."""

    states: tuple[QuotaState, ...] = ()

    @property
    def allowed(self) -> bool:
        return all(state.allowed for state in self.states)

    @property
    def wait(self) -> int:
        """Seconds until the next request is allowed; 0 when this one is."""
        return max((max(1, state.reset) for state in self.states if not state.allowed), default=0)

    def with_wait(self, seconds: float) -> RateLimitResult:
        """The same refusal, some time later."""
        reset = math.ceil(seconds)
        return RateLimitResult(
            tuple(state if state.allowed else replace(state, reset=reset) for state in self.states)
        )

    @property
    def headers(self) -> dict[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers."""
        if not self.states:
            return {}
        policies = (f'"{state.quota.name}";q={state.quota.amount};w={WINDOW}' for state in self.states)
        left = (f'"{state.quota.name}";r={state.remaining};t={state.reset}' for state in self.states)
        headers = {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
        return headers if self.allowed else {**headers, "Retry-After": str(self.wait)}


class RateLimiter:
    """Counts requests in Redis, or in this process while Redis is away, and remembers refusals."""

    def __init__(self, url: str) -> None:
        shared = RedisStorage(
            url,
            key_prefix="oyl-rates",
            wrap_exceptions=True,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            retry=one_retry(),
        )
        self._shared = SlidingWindowCounterRateLimiter(shared)
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._redis_is_away, self._redis_retry_at = False, 0.0
        self._refusals: dict[str, tuple[float, RateLimitResult]] = {}
        self._valid: set[str] = set()

    def cached_refusal(self, *, credential: str, address: str) -> RateLimitResult | None:
        """The last refusal of the credential, until the time that it gave, which stays the same. An address that was refused
        may try no further credentials, except those that were valid before. So neither costs any work."""
        subject = _digest(credential)
        return self._refusal_of(subject) or (
            None if subject in self._valid else self._refusal_of(_digest(address))
        )

    def count(self, quotas: Sequence[Quota], *, credential: str) -> RateLimitResult:
        """Count a request of a valid credential, or else of an address. A quota of 0 means no limit."""
        result = self._count_shared_or_local([quota for quota in quotas if quota.amount])
        if not result.allowed:
            if len(self._refusals) >= MAX_REMEMBERED:
                self._refusals.clear()
            self._refusals[_digest(credential)] = time.monotonic() + result.wait, result
        return result

    def remember_valid(self, credential: str) -> None:
        if len(self._valid) >= MAX_REMEMBERED:
            self._valid.clear()
        self._valid.add(_digest(credential))

    def _refusal_of(self, subject: str) -> RateLimitResult | None:
        until, result = self._refusals.get(subject, (0.0, None))
        left = until - time.monotonic()
        return result.with_wait(left) if result and left > 0 else None

    def _count_shared_or_local(self, quotas: Sequence[Quota]) -> RateLimitResult:
        now = time.monotonic()
        if now >= self._redis_retry_at:
            # While Redis is away, only one request tries it again; the others count locally.
            self._redis_retry_at = now + REDIS_RETRY_SECONDS if self._redis_is_away else 0.0
            try:
                result = _count(self._shared, quotas)
            except StorageError as error:
                self._set_redis_away(is_away=True, why=str(error.storage_error))
                self._redis_retry_at = now + REDIS_RETRY_SECONDS
            else:
                self._set_redis_away(is_away=False)
                self._redis_retry_at = 0.0
                return result
        return _count(self._local, quotas)

    def _set_redis_away(self, *, is_away: bool, why: str = "") -> None:
        if is_away and not self._redis_is_away:
            logger.warning("Redis is away, each process counts requests by itself: %s", why)
        elif self._redis_is_away and not is_away:
            logger.warning("Redis is back, requests are counted for all processes together")
        self._redis_is_away = is_away


def one_retry() -> Any:
    """A restarted Redis has dropped our connections."""
    return Retry(NoBackoff(), 1)


def _count(limiter: SlidingWindowCounterRateLimiter, quotas: Sequence[Quota]) -> RateLimitResult:
    states: list[QuotaState] = []
    for quota in quotas:
        item = RateLimitItemPerMinute(quota.amount)
        allowed = limiter.hit(item, quota.name, quota.subject)
        reset, remaining = limiter.get_window_stats(item, quota.name, quota.subject)
        seconds = max(0, math.ceil(reset - time.time()))
        states.append(QuotaState(quota, allowed, remaining if allowed else 0, seconds))
        if not allowed:
            break
    return RateLimitResult(tuple(states))


def _digest(credential: str) -> str:
    """A digest, so that no secret is kept."""
    return hashlib.sha256(credential.encode()).hexdigest()


@cache
def _limiter_for(url: str) -> RateLimiter:
    return RateLimiter(url)


def rate_limiter() -> RateLimiter:
    return _limiter_for(settings.REDIS_URL)
