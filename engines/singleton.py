"""Lazy singletons: one instance per configuration and process."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import RLock
from typing import Generic, TypeVar

Instance = TypeVar("Instance")


class Singleton(Generic[Instance]):
    """Decorate a factory: each set of arguments gets one instance, created on the first call, by one thread.

    With `functools.cache`, concurrent first calls each create an instance, and all but the last are leaked: a second
    model in memory, a child process left behind.
    """

    def __init__(self, factory: Callable[..., Instance]) -> None:
        self._factory = factory
        self.cache_clear()

    def __call__(self, *configuration: Hashable) -> Instance:
        if configuration not in self._instances:
            with self._lock:
                if configuration not in self._instances:
                    self._instances[configuration] = self._factory(*configuration)
        return self._instances[configuration]

    def cache_clear(self) -> None:
        self._lock = RLock()
        self._instances: dict[tuple[Hashable, ...], Instance] = {}
