"""What a process has one of."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Once(Generic[Made]):
    """Decorates the function that makes it: made when first asked for, and by one thread. (`functools.cache` lets threads
    that ask at the same time each make one, and all but the last lose theirs: a second model, a process left behind.)"""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self.cache_clear()

    def __call__(self) -> Made:
        with self._lock:
            return self._made()

    def cache_clear(self) -> None:
        self._lock, self._made = Lock(), cache(self._make)
