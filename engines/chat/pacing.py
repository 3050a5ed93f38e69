"""How often this process reads from models: each read of a stream costs about the same, however many pieces of text it
brings, and many streams that each read every piece would keep all else waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# Of all streams together.
READS_A_SECOND = 400


class Readers:
    """Thread-safe."""

    def __init__(self) -> None:
        self._count, self._lock = 0, Lock()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """While the block runs, one more stream is read."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    @property
    def pause(self) -> float:
        """How many seconds each stream waits between its reads."""
        return self._count / READS_A_SECOND

    def _add(self, number: int) -> None:
        with self._lock:
            self._count += number


readers = Readers()
