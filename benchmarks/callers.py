"""Clients of the REST API, each with a connection that it keeps.

`python -m benchmarks.callers ADDRESS KEY RATE` searches so many times a second, whatever it is told, until its input ends.
It says when it was first told to wait, and in the end how many answers of each status it had in a second.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from threading import Lock, Thread
from typing import Any, NamedTuple

from benchmarks import data

CONNECTIONS, PATIENCE = 4, 0.1


class Answer(NamedTuple):
    """`ms` is the whole round trip, from the first byte that is sent to the last that is read."""

    status: int
    body: bytes
    ms: float


class Times(list[float]):
    """Milliseconds."""

    @property
    def p50(self) -> float:
        return median(self)

    @property
    def p95(self) -> float:
        return quantiles(self, n=20)[18]


class Caller:
    def __init__(self, address: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def search(self, question: str) -> Answer:
        return self._ask("POST", "/api/v1/search/", {"query": question})

    def _ask(self, method: str, path: str, data: Any = None) -> Answer:
        body = None if data is None else json.dumps(data)
        started = time.perf_counter()
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        return Answer(response.status, content, (time.perf_counter() - started) * 1000)


def search(caller: Caller, question: str) -> float:
    """The milliseconds until there were passages."""
    answer = caller.search(question)
    assert answer.status == 200 and b'"chunk_id"' in answer.body, answer
    return answer.ms


def search_together(callers: list[Caller], questions: Iterator[str], *, seconds: float) -> Times:
    """All at the same time, each as soon as it has its answer: what was answered within so many seconds."""
    times, lock, until = Times(), Lock(), time.monotonic() + seconds

    def work(caller: Caller) -> None:
        while True:
            with lock:
                question = next(questions)
            ms = search(caller, question)
            if time.monotonic() > until:
                return
            times.append(ms)

    with ThreadPoolExecutor(len(callers)) as threads:
        list(threads.map(work, callers))
    return times


def flood(address: str, key: str, rate: float) -> Counter[int]:
    """Search at a rate from several connections, whatever the answer is. Counts the answers by status, for ever."""
    questions, lock, told = data.questions(seed=1), Lock(), Counter[int]()

    def work(caller: Caller) -> None:
        """Each at its time; a longer delay is not made up for."""
        at = time.monotonic()
        while True:
            time.sleep(max(0.0, at - time.monotonic()))
            at = max(at, time.monotonic() - PATIENCE) + CONNECTIONS / rate
            with lock:
                question = next(questions)
            told[caller.search(question).status] += 1

    for _ in range(CONNECTIONS):
        Thread(target=work, args=[Caller(address, key)], daemon=True).start()
    return told


def main(address: str, key: str, rate: str) -> None:
    told = flood(address, key, float(rate))
    while not told[429]:
        time.sleep(0.05)
    before, started = told.copy(), time.monotonic()
    print("The first burst is over.", flush=True)  # noqa: T201
    sys.stdin.read()
    seconds = time.monotonic() - started
    json.dump({status: number / seconds for status, number in (told - before).items()}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
