"""The deadline of a request, which its caller may move or bring about while the request runs."""

from __future__ import annotations

import time
from threading import Event


class Deadline:
    """Thread-safe. It begins to run when it is made. Before each read, its caller waits for `pause` seconds, so that
    the read brings more at once."""

    def __init__(self, seconds: float) -> None:
        self._ended, self.pause = Event(), 0.0
        self.move(seconds)

    def move(self, seconds: float) -> None:
        """Let it pass so many seconds from now."""
        self._at = time.monotonic() + seconds

    def end(self) -> None:
        """Let it pass now, for ever: a request that waits for its peer ends within half a second."""
        self._ended.set()

    @property
    def is_ended(self) -> bool:
        return self._ended.is_set()

    @property
    def remaining(self) -> float:
        """Seconds; 0 or less when it has passed."""
        return 0.0 if self.is_ended else self._at - time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until somebody ends it."""
        self._ended.wait(seconds)
