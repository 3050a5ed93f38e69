"""Lazy singletons: one object for each configuration in a process."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import RLock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Singleton(Generic[Made]):
    """Decorates a factory: each set of arguments gets one object, made on the first call, by one thread.

    With `functools.cache`, threads that call at the same time each make one, and all but the last are lost: a second
    model in memory, a process left behind.
    """

    def __init__(self, make: Callable[..., Made]) -> None:
        self._make = make
        self.cache_clear()

    def __call__(self, *configuration: Hashable) -> Made:
        if configuration not in self._made:
            with self._lock:
                if configuration not in self._made:
                    self._made[configuration] = self._make(*configuration)
        return self._made[configuration]

    def cache_clear(self) -> None:
        self._lock = RLock()
        self._made: dict[tuple[Hashable, ...], Made] = {}
