"""How often somebody may ask: counted over a sliding minute in Redis, for all processes together.

While Redis is away each process counts by itself, with the same numbers: the API stays open, and no door is unlimited.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)
WINDOW = 60
PATIENCE_SECONDS, AWAY_SECONDS = 0.25, 5.0
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Quota:
    """So many requests of `who` in a minute."""

    name: str
    amount: int
    who: str


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of a quota, and in how many seconds there is more."""

    quota: Quota
    allowed: bool
    remaining: int
    reset: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of all quotas of a request, in their order; the first that is used up ends it."""

    rates: tuple[Rate, ...] = ()

    @property
    def allowed(self) -> bool:
        return all(rate.allowed for rate in self.rates)

    @property
    def wait(self) -> int:
        """Seconds."""
        return max((max(1, rate.reset) for rate in self.rates if not rate.allowed), default=0)

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        if not self.rates:
            return {}
        policies = (f'"{rate.quota.name}";q={rate.quota.amount};w={WINDOW}' for rate in self.rates)
        left = (f'"{rate.quota.name}";r={rate.remaining};t={rate.reset}' for rate in self.rates)
        told = {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
        return told if self.allowed else {**told, "Retry-After": str(self.wait)}


class RateLimiter:
    """What this process knows of who asked how often."""

    def __init__(self, url: str) -> None:
        shared = RedisStorage(
            url,
            key_prefix="oyl-rates",
            wrap_exceptions=True,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # a restarted Redis has dropped our connections
        )
        self._shared = SlidingWindowCounterRateLimiter(shared)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._is_away, self._again_at = False, 0.0
        self._waiting: dict[str, tuple[float, Verdict]] = {}

    def cached_refusal(self, credential: str) -> Verdict | None:
        """What somebody was told who asks again before the time that they were told to wait for; it begins anew. So those
        who do not listen get nothing, and cost nobody else anything."""
        who, now = _digest(credential), time.monotonic()
        until, verdict = self._waiting.get(who, (0.0, None))
        if verdict is None or now >= until:
            return None
        self._waiting[who] = now + verdict.wait, verdict
        return verdict

    def count(self, quotas: Sequence[Quota], *, credential: str) -> Verdict:
        """Count a request of the credential's bearer; quotas of 0 are none."""
        verdict = self._counted([quota for quota in quotas if quota.amount])
        if not verdict.allowed:
            if len(self._waiting) >= REMEMBERED:
                self._waiting.clear()
            self._waiting[_digest(credential)] = time.monotonic() + verdict.wait, verdict
        return verdict

    def _counted(self, quotas: Sequence[Quota]) -> Verdict:
        now = time.monotonic()
        if now >= self._again_at:
            self._again_at = now + AWAY_SECONDS if self._is_away else 0.0  # only one request tries again
            try:
                verdict = _count(self._shared, quotas)
            except StorageError as error:
                self._tell(is_away=True, why=str(error.storage_error))
                self._again_at = now + AWAY_SECONDS
            else:
                self._tell(is_away=False)
                self._again_at = 0.0
                return verdict
        return _count(self._own, quotas)

    def _tell(self, *, is_away: bool, why: str = "") -> None:
        if is_away and not self._is_away:
            logger.warning("Redis is away, each process counts requests by itself: %s", why)
        elif self._is_away and not is_away:
            logger.warning("Redis is back, requests are counted for all processes together")
        self._is_away = is_away


def _count(limiter: SlidingWindowCounterRateLimiter, quotas: Sequence[Quota]) -> Verdict:
    rates: list[Rate] = []
    for quota in quotas:
        item = RateLimitItemPerMinute(quota.amount)
        allowed = limiter.hit(item, quota.name, quota.who)
        reset, remaining = limiter.get_window_stats(item, quota.name, quota.who)
        seconds = max(0, math.ceil(reset - time.time()))
        rates.append(Rate(quota, allowed, remaining if allowed else 0, seconds))
        if not allowed:
            break
    return Verdict(tuple(rates))


def _digest(credential: str) -> str:
    """No secret is kept."""
    return hashlib.sha256(credential.encode()).hexdigest()


@cache
def _rates_of(url: str) -> RateLimiter:
    return RateLimiter(url)


def rate_limiter() -> RateLimiter:
    return _rates_of(settings.REDIS_URL)
