"""Looking senders up again while their answers take long, once for all of their requests."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable

from core.connections import UNAVAILABLE, run_in_thread
from core.isolation.time_limits import TimeLimits, time_limits

# What was seen so long ago is still taken to be so: streams look once a second, and end within two.
SECONDS = 0.5
# While the database is away or busy, senders may go on for so long.
UNKNOWN_SECONDS = 10.0
# A look takes no turn among the requests of its tenant.
LIMITS = TimeLimits(statement=2, lock=1, idle=2)


class SenderLooks:
    """In one process. One look at a time for each sender: meanwhile, what was seen last is taken to be so, unless the look
    takes long."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[float, bool]] = {}
        self._under_way: dict[Hashable, float] = {}

    def of(self, sender: Hashable, look: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
        """Whether the sender, who is allowed now, still is, by the function `look`."""
        seen_first = time.monotonic(), True

        async def is_still_allowed() -> bool:
            seen, now = max(seen_first, self._seen.get(sender, seen_first)), time.monotonic()
            if now - max(seen[0], self._under_way.get(sender, 0.0)) < SECONDS:
                return seen[1]
            self._under_way[sender] = now
            try:
                return await run_in_thread(lambda: self._look(sender, look))
            except UNAVAILABLE:
                if time.monotonic() - seen[0] > UNKNOWN_SECONDS:
                    raise
                return seen[1]
            finally:
                self._under_way.pop(sender, None)

        return is_still_allowed

    def _look(self, sender: Hashable, look: Callable[[], bool]) -> bool:
        now = time.monotonic()
        with time_limits(LIMITS):
            allowed = look()
        recent = {one: seen for one, seen in self._seen.copy().items() if now - seen[0] < UNKNOWN_SECONDS}
        self._seen = {**recent, sender: (now, allowed)}
        return allowed


sender_looks = SenderLooks()
