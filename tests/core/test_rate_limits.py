"""Rate limits: with Redis running, stopped, or hanging."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import connection
from django.test import Client

from core import rate_limits
from core.permissions import Role
from oyl.embedded import redis
from oyl.embedded.layout import Layout
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor
from tests.conftest import make_member
from tests.support.api_client import Caller, make_caller

REMAINING_PATTERN = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')


class OwnRedis:
    """A Redis that tests may stop."""

    def __init__(self, layout: Layout) -> None:
        layout.run.mkdir(mode=0o700)
        self.layout, self.pid = layout, 0
        self.service_log = ServiceLog(layout.logs)
        self.supervisor = Supervisor(self.service_log, self._set_pid)
        self.start()

    def start(self) -> None:
        self.supervisor.start([redis.program(self.layout)])

    def _set_pid(self, name: str, pid: int) -> None:
        self.pid = pid


@pytest.fixture
def own_redis(tmp_path, settings) -> Iterator[OwnRedis]:
    layout = Layout(tmp_path / uuid4().hex)
    settings.REDIS_URL = redis.url(layout)
    server = OwnRedis(layout)
    yield server
    os.kill(server.pid, signal.SIGCONT)
    server.supervisor.stop()
    server.service_log.close()


def remaining_of(response: Any) -> dict[str, int]:
    """{quota: remaining requests}"""
    return {name: int(remaining) for name, remaining, _ in REMAINING_PATTERN.findall(response["RateLimit"])}


def get_often(caller: Caller, times: int) -> list[Any]:
    return [caller.get("workspaces/") for _ in range(times)]


def get_over_asgi(secret: str, address: str = "127.0.0.1") -> httpx.Response:
    """Through the whole application, as the web server calls it."""
    from oyl.asgi import application

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(application, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/api/v1/workspaces/", headers={"Authorization": f"Bearer {secret}"})

    return asyncio.run(get())


def uses_of_the_database() -> int:
    return int(connection.pool.get_stats()["requests_num"])  # type: ignore[attr-defined]


def is_refused(response: Any) -> bool:
    if response.status_code == 200:
        return False
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited"), response.content
    assert response["Content-Type"] == "application/problem+json"
    assert 1 <= int(response["Retry-After"]) <= rate_limits.WINDOW
    assert response["X-Request-ID"] == response.json()["request_id"]
    return True


def test_responses_report_the_remaining_requests(owner, caller, settings):
    settings.OYL_KEY_REQUESTS, settings.OYL_TENANT_REQUESTS = 50, 70
    first, second = get_often(caller, 2)
    assert first["RateLimit-Policy"] == '"key";q=50;w=60, "tenant";q=70;w=60'
    assert (remaining_of(first), remaining_of(second)) == (
        {"key": 49, "tenant": 69},
        {"key": 48, "tenant": 68},
    )
    for response in (
        caller.get("nothing/"),
        caller.get(f"workspaces/{uuid4()}/"),
        caller.post("workspaces/", {}),
    ):
        assert response.status_code >= 400 and "tenant" in remaining_of(response)
    assert "RateLimit" not in owner.client.get("/admin/")


def test_key_and_tenant_limits_both_apply(owner, stranger, settings):
    settings.OYL_KEY_REQUESTS, settings.OYL_TENANT_REQUESTS = 5, 8
    first, second = make_caller(owner), make_caller(owner)
    assert [is_refused(response) for response in get_often(first, 6)] == [False] * 5 + [True]
    assert [is_refused(response) for response in get_often(second, 4)] == [False] * 3 + [True]
    assert remaining_of(get_often(second, 1)[0])["tenant"] == 0
    assert not any(map(is_refused, get_often(make_caller(stranger), 5)))


def test_sessions_are_limited_per_user(owner, settings):
    settings.OYL_KEY_REQUESTS = 3
    browser, other = owner.client, make_member(owner.tenant_id, Role.VIEWER).client
    responses = [browser.get("/api/v1/workspaces/") for _ in range(4)]
    assert [is_refused(response) for response in responses] == [False, False, False, True]
    assert not is_refused(other.get("/api/v1/workspaces/"))
    assert browser.get("/admin/").status_code == 200


def test_invalid_keys_are_limited_by_address(caller, settings):
    settings.OYL_ADDRESS_REQUESTS = 4
    here: Any
    there: Any
    here, there = ({"REMOTE_ADDR": f"2001:db8:0:{uuid4().hex[:4]}::1"} for _ in range(2))
    codes = [
        Client(headers={"Authorization": f"Bearer oyl_{number}"})
        .get("/api/v1/workspaces/", **here)
        .status_code
        for number in range(6)
    ]
    assert codes == [401] * 4 + [429] * 2
    assert Client().get("/api/v1/workspaces/", **here).status_code == 429
    assert Client().get("/api/v1/workspaces/", **there).status_code == 401
    valid = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    assert valid.get("/api/v1/workspaces/", **here).status_code == 200


def test_rate_limit_window_slides(caller, settings, monkeypatch):
    """Half a minute after a full window, half of it is free again."""
    settings.OYL_KEY_REQUESTS, settings.REDIS_URL = 10, "redis://localhost:1/slides"
    now = time.time() // 60 * 60
    monkeypatch.setattr(time, "time", lambda: now)
    assert not any(map(is_refused, get_often(caller, 10)))
    monkeypatch.setattr(time, "time", lambda: now + 90)
    assert [is_refused(response) for response in get_often(caller, 6)] == [False] * 5 + [True]


def test_zero_means_no_limit(caller, settings):
    settings.OYL_KEY_REQUESTS = settings.OYL_TENANT_REQUESTS = 0
    (response,) = get_often(caller, 1)
    assert response.status_code == 200 and "RateLimit" not in response


def test_without_redis_limits_hold_per_process(owner, own_redis, settings, caplog, monkeypatch):
    settings.OYL_KEY_REQUESTS = 5
    monkeypatch.setattr(rate_limits, "REDIS_RETRY_SECONDS", 0.2)
    caller = make_caller(owner)
    with caplog.at_level(logging.WARNING, "core.rate_limits"):
        assert not any(map(is_refused, get_often(caller, 2)))
        own_redis.supervisor.stop()
        time.sleep(0.3)
        assert [is_refused(response) for response in get_often(caller, 6)] == [False] * 5 + [True]
        assert [record.message for record in caplog.records if "away" in record.message][1:] == []
        own_redis.start()
        time.sleep(0.3)
        assert not any(map(is_refused, get_often(make_caller(owner), 1)))
    assert "Redis is back" in caplog.records[-1].message


def test_hanging_redis_delays_one_request_briefly(owner, own_redis, settings):
    settings.OYL_KEY_REQUESTS = 5
    get_often(caller := make_caller(owner), 1)
    os.kill(own_redis.pid, signal.SIGSTOP)
    started = time.monotonic()
    assert [is_refused(response) for response in get_often(caller, 6)] == [False] * 5 + [True]
    assert time.monotonic() - started < 2


def test_loops_that_obey_retry_after_are_all_served(caller, settings, monkeypatch):
    """Three loops of one key come back at different times, each when it was told to."""
    settings.OYL_KEY_REQUESTS, settings.REDIS_URL = 20, f"redis://localhost:1/{uuid4().hex}"
    clock: Any = SimpleNamespace(now=time.time() // 60 * 60 + 5)
    clock.time = clock.monotonic = lambda: clock.now
    monkeypatch.setattr(rate_limits, "time", clock)
    monkeypatch.setattr(time, "time", lambda: clock.now)  # of the library that counts
    get_often(caller, 21)
    due = {"A": clock.now + 4, "B": clock.now + 23, "C": clock.now + 43}
    served: list[str] = []
    end = clock.now + 600
    while len(served) < 30 and clock.now < end:
        loop = min(due, key=lambda name: due[name])
        clock.now = due[loop]
        response = get_over_asgi(caller.key.secret)
        if response.status_code == 429:
            due[loop] += int(response.headers["Retry-After"]) + 0.5
        else:
            served.append(loop)
            due[loop] += 10
    assert {served.count(loop) > 5 for loop in due} == {True}


def test_refused_address_tries_no_further_keys(caller, settings):
    """Except keys that were valid before."""
    settings.OYL_ADDRESS_REQUESTS, here = 2, f"2001:db8:0:{uuid4().hex[:4]}::1"
    assert get_over_asgi(caller.key.secret, here).status_code == 200
    wrong = [f"oyl_{'0' * 12}_{uuid4().hex}{'x' * 11}" for _ in range(5)]
    codes = [get_over_asgi(secret, here).status_code for secret in wrong[:3]]
    assert codes == [401, 401, 429]
    before = uses_of_the_database()
    assert [get_over_asgi(secret, here).status_code for secret in wrong[3:]] == [429, 429]
    assert uses_of_the_database() == before
    assert get_over_asgi(caller.key.secret, here).status_code == 200


def test_key_of_another_form_is_not_looked_up(caller):
    before = uses_of_the_database()
    assert get_over_asgi("sk-not-one-of-ours").status_code == 401
    assert uses_of_the_database() == before
