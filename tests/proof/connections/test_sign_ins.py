"""While many clients sign in with wrong passwords, the server still answers that it is ready."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from threading import Event
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from django.urls import reverse

from benchmarks.reports import Row
from tests.proof.conftest import Size
from tests.support.server import running_server

CLIENTS, MOST_SECONDS = 30, 1
LOGIN = reverse("admin:login")
REAL_HASHER = "django.contrib.auth.hashers.ScryptPasswordHasher"


@pytest.mark.parametrize("addresses", [1, CLIENTS])
def test_sign_ins_hardly_delay_readiness(database: None, addresses: int, size: Size, measured: list[Row]):
    with running_server(_with_real_hasher) as server, _signing_in(server, addresses) as answers:
        seconds = [_seconds_until_ready(server) for _ in range(size(5, 50))]
    assert answers.total() > CLIENTS
    assert set(answers) <= {200, 429, 503}, answers
    measured.append(_row(addresses, median(seconds), max(seconds)))
    assert median(seconds) < size(8, MOST_SECONDS), seconds


def _with_real_hasher(application: Any) -> Any:
    """The application without a limit of requests in a minute; a header names the address that a client has."""
    settings.PASSWORD_HASHERS = [REAL_HASHER]
    settings.OYL_ADDRESS_REQUESTS = 0

    async def call(scope: Any, receive: Any, send: Any) -> None:
        given = dict(scope["headers"]).get(b"x-client")
        await application({**scope, "client": (given.decode(), 1)} if given else scope, receive, send)

    return call


@contextmanager
def _signing_in(server: str, addresses: int) -> Iterator[Counter[int]]:
    """Clients sign in as accounts that do not exist, until the block ends. Yields how often each status was answered."""
    stop, answers = Event(), Counter[int]()

    def sign_in(number: int) -> None:
        headers = {"x-client": f"198.51.100.{number % addresses}", "referer": server}
        with httpx.Client(base_url=server, headers=headers, timeout=60) as client:
            form = {"password": "wrong", "csrfmiddlewaretoken": client.get(LOGIN).cookies["csrftoken"]}
            while not stop.is_set():
                answer = client.post(LOGIN, data={"username": f"{uuid4()}@example.com", **form})
                answers[answer.status_code] += 1

    with ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(sign_in, number) for number in range(CLIENTS)]
        try:
            time.sleep(3)
            yield answers
        finally:
            stop.set()
    for each in clients:
        each.result()


def _seconds_until_ready(server: str) -> float:
    began = time.monotonic()
    assert httpx.get(f"{server}/readyz", timeout=60).status_code == 200
    return time.monotonic() - began


def _row(addresses: int, usual: float, longest: float) -> Row:
    where = "one address" if addresses == 1 else f"{addresses} addresses"
    return {
        "What": f"`/readyz` while {CLIENTS} clients of {where} sign in with wrong passwords all the time",
        "Measured": f"median {usual:.2f} s, longest {longest:.2f} s (target: median < {MOST_SECONDS} s)",
    }
