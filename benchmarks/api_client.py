"""Clients of the REST API, each with a persistent connection.

`python -m benchmarks.api_client ADDRESS KEY RATE` sends RATE searches a second, whatever the responses are, until its input
ends. It prints a line after the first 429, and in the end, as JSON, how many responses a second there were of each status.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any, NamedTuple

from benchmarks import data
from benchmarks.reports import ROOT
from benchmarks.times import Times

CONNECTIONS, MAX_LAG_SECONDS = 4, 0.1


class Response(NamedTuple):
    """`ms` is the whole round trip, from the first byte sent to the last one read."""

    status: int
    body: bytes
    ms: float


class ApiClient:
    def __init__(self, address: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def get(self, path: str) -> Response:
        return self._request("GET", path)

    def search(self, question: str) -> Response:
        """All of the question is text, and something is always found."""
        return self._request(
            "POST", "/api/v1/search/", {"query": question, "operators": False, "min_score": 0}
        )

    def _request(self, method: str, path: str, data: Any = None) -> Response:
        body = None if data is None else json.dumps(data)
        started = time.perf_counter()
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        return Response(response.status, content, (time.perf_counter() - started) * 1000)


def search(client: ApiClient, question: str) -> float:
    """Return the milliseconds of a search, which must have hits."""
    response = client.search(question)
    assert response.status == 200 and b'"chunk_id"' in response.body, response
    return response.ms


def search_concurrently(clients: list[ApiClient], questions: Iterator[str], *, seconds: float) -> Times:
    """Search with all clients, each as soon as it has its response. Return the times of those within `seconds`."""
    times, lock, deadline = Times(), Lock(), time.monotonic() + seconds

    def work(client: ApiClient) -> None:
        while True:
            with lock:
                question = next(questions)
            ms = search(client, question)
            if time.monotonic() > deadline:
                return
            times.append(ms)

    with ThreadPoolExecutor(len(clients)) as threads:
        list(threads.map(work, clients))
    return times


@contextmanager
def flooding(address: str, key: str, rate: float) -> Iterator[dict[str, float]]:
    """Run this module in a process of its own. The block begins after the first burst, which is within the limit. At its
    end the dictionary has the number of responses a second by status."""
    command = (sys.executable, "-m", "benchmarks.api_client", address, key, str(rate))
    responses: dict[str, float] = {}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        assert process.stdout and process.stdout.readline()
        yield responses
        responses |= json.loads(process.communicate()[0])


def flood(address: str, key: str, rate: float) -> Counter[int]:
    """Start to search at a rate, from several connections and without end. Return the counter of responses by status, which
    goes on counting."""
    questions, lock, responses = data.questions(seed=1), Lock(), Counter[int]()

    def work(client: ApiClient) -> None:
        """Search at fixed times; a longer lag is not made up for."""
        due = time.monotonic()
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due, time.monotonic() - MAX_LAG_SECONDS) + CONNECTIONS / rate
            with lock:
                question = next(questions)
            responses[client.search(question).status] += 1

    for _ in range(CONNECTIONS):
        Thread(target=work, args=[ApiClient(address, key)], daemon=True).start()
    return responses


def main(address: str, key: str, rate: str) -> None:
    responses = flood(address, key, float(rate))
    while not responses[429]:
        time.sleep(0.05)
    before, started = responses.copy(), time.monotonic()
    print("The first burst is over.", flush=True)  # noqa: T201
    sys.stdin.read()
    seconds = time.monotonic() - started
    json.dump({status: number / seconds for status, number in (responses - before).items()}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
