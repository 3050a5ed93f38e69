"""How often failed work is tried again, and after which waits."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff: after the first attempt `first_seconds`, then `factor` times longer each time up to
    `max_seconds`, with jitter of ± `jitter`."""

    attempts: int = 5
    first_seconds: float = 2.0
    factor: float = 4.0
    max_seconds: float = 3600.0
    jitter: float = 0.25

    def wait(self, attempt: int) -> timedelta:
        """The time between the end of this attempt, the first being 1, and the next one."""
        seconds = min(self.first_seconds * self.factor ** (attempt - 1), self.max_seconds)
        return timedelta(seconds=seconds * random.uniform(1 - self.jitter, 1 + self.jitter))  # noqa: S311


DEFAULT_RETRY = RetryPolicy()
# A client waits for the answer.
CHAT_RETRY = RetryPolicy(attempts=3, first_seconds=0.5, factor=2.0, max_seconds=8.0)
