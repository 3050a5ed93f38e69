"""A process has one model and one parser, however many threads ask for the first at the same time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from engines.singleton import Singleton

THREADS = 8


def test_threads_that_ask_together_get_the_same_one() -> None:
    together = Barrier(THREADS)

    @Singleton
    def make() -> object:
        time.sleep(0.05)
        return object()

    def ask(_: int) -> object:
        together.wait()
        return make()

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(ask, range(THREADS)))) == 1


def test_another_one_is_made_after_it_was_dropped() -> None:
    make = Singleton(object)
    first = make()
    make.cache_clear()
    assert make() is not first
