"""A process has one model and one parser, however many threads request the first at the same time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from engines.singleton import Singleton

THREADS = 8


def test_concurrent_first_calls_share_an_instance() -> None:
    barrier = Barrier(THREADS)

    @Singleton
    def get_instance() -> object:
        time.sleep(0.05)
        return object()

    def call(_: int) -> object:
        barrier.wait()
        return get_instance()

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(call, range(THREADS)))) == 1


def test_cache_clear_drops_the_instance() -> None:
    get_instance = Singleton(object)
    first = get_instance()
    get_instance.cache_clear()
    assert get_instance() is not first
