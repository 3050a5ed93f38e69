"""Followers and slow readers of one tenant hardly delay another tenant."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import quantiles
from typing import Any

import httpx
import pytest

from benchmarks.reports import Row
from core.concurrency import Kind
from knowledge.models import Document
from tests.conftest import Person
from tests.proof.conftest import Size
from tests.proof.connections.crowd import Crowd
from tests.proof.connections.server import Server
from tests.support.api_client import Caller, make_caller
from tests.support.server import running_server

EACH = 50
MOST_RATIO = 1.5
ROUTES: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/api/v1/workspaces/", None),
    ("GET", "/api/v1/documents/", None),
    ("POST", "/api/v1/search/", {"query": "Where do bees dance?"}),
    ("GET", "/v1/vector_stores", None),
)


@pytest.fixture(scope="module")
def server_with_limits(database: None) -> Iterator[Server]:
    """With the limits that an installation has, but for requests in a minute."""
    with running_server() as address:
        yield Server(address)


def test_crowd_of_one_key_hardly_delays_another_tenant(
    server_with_limits: Server,
    caller: Caller,
    queued: Document,
    stranger: Person,
    size: Size,
    measured: list[Row],
):
    """The same requests are measured without and with the crowd in turns, because other load comes and goes."""
    crowd = Crowd(server_with_limits, key=caller.key.secret, document=queued.pk, each=EACH)
    headers = {"Authorization": f"Bearer {make_caller(stranger).key.secret}"}
    quiet: list[float] = []
    beside: list[float] = []
    with httpx.Client(base_url=server_with_limits.address, headers=headers, timeout=120) as other:
        _milliseconds(other, rounds=2)  # the first search loads the model
        for _ in range(size(1, 5)):
            quiet += _milliseconds(other, rounds=size(5, 25))
            with crowd.present():
                beside += _milliseconds(other, rounds=size(5, 25))
                assert crowd.answers == {
                    (what, status): count
                    for what, kind in (("events", Kind.STREAM), ("content", Kind.DOWNLOAD))
                    for status, count in (("200", kind.limit), ("429", EACH - kind.limit))
                }
    ratio = _p95(beside) / _p95(quiet)
    measured += _rows(crowd, quiet, beside, ratio)
    assert ratio <= size(10, 1) * MOST_RATIO


def _milliseconds(client: httpx.Client, *, rounds: int) -> list[float]:
    """Of requests to each route."""
    times: list[float] = []
    for _ in range(rounds):
        for method, path, body in ROUTES:
            began = time.perf_counter()
            answer = client.request(method, path, json=body)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
    return times


def _p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def _rows(crowd: Crowd, quiet: list[float], beside: list[float], ratio: float) -> list[Row]:
    served = {what: crowd.answers[what, "200"] for what in ("events", "content")}
    return [
        {
            "What": f"{EACH} followers of events and {EACH} slow readers of one key",
            "Measured": f"{served['events']} and {served['content']} served, the others 429 with Retry-After",
        },
        {
            "What": f"p95 of another tenant's {len(quiet):,} requests without them, and of as many beside them",
            "Measured": f"{_p95(quiet):.0f} ms, {_p95(beside):.0f} ms = × {ratio:.2f} (target: ≤ × {MOST_RATIO})",
        },
    ]
