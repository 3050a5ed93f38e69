"""Looking senders up again while their answers take long, once for all of their requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

# What was seen so long ago is still taken to be so: streams look once a second, and end within two.
SECONDS = 0.5


class SenderLooks:
    """In one process. Two threads that look at the same moment both look, which is harmless."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[float, bool]] = {}

    def is_allowed(self, sender: Hashable, look: Callable[[], bool]) -> bool:
        """What `look` returns, or has returned for the sender a moment ago."""
        now = time.monotonic()
        seen = self._seen.get(sender)
        if seen and now - seen[0] < SECONDS:
            return seen[1]
        self._seen = {one: seen for one, seen in self._seen.copy().items() if now - seen[0] < SECONDS}
        allowed = look()
        self._seen[sender] = now, allowed
        return allowed


sender_looks = SenderLooks()
