"""How often somebody may ask: with a Redis that is there, away, or hangs."""

from __future__ import annotations

import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from core import rate_limits
from core.permissions import Role
from oyl.embedded import redis
from oyl.embedded.layout import Layout
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor
from tests.api.conftest import Caller, key_of
from tests.conftest import make_member

LEFT = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')


class Redis:
    """One that tests may stop."""

    def __init__(self, layout: Layout) -> None:
        layout.run.mkdir(mode=0o700)
        self.layout, self.pid = layout, 0
        self.service_log = ServiceLog(layout.logs)
        self.supervisor = Supervisor(self.service_log, self._started)
        self.start()

    def start(self) -> None:
        self.supervisor.start([redis.program(self.layout)])

    def _started(self, name: str, pid: int) -> None:
        self.pid = pid


@pytest.fixture
def own_redis(tmp_path, settings) -> Iterator[Redis]:
    layout = Layout(tmp_path / uuid4().hex)
    settings.REDIS_URL = f"unix://{layout.redis_socket}"
    made = Redis(layout)
    yield made
    os.kill(made.pid, signal.SIGCONT)
    made.supervisor.stop()
    made.service_log.close()


def left(answer: Any) -> dict[str, int]:
    """{quota: how many requests it still has}"""
    return {name: int(remaining) for name, remaining, _ in LEFT.findall(answer["RateLimit"])}


def ask(caller: Caller, times: int) -> list[Any]:
    return [caller.get("workspaces/") for _ in range(times)]


def refused(answer: Any) -> bool:
    if answer.status_code == 200:
        return False
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited"), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer["Retry-After"]) <= rate_limits.WINDOW
    assert answer["X-Request-ID"] == answer.json()["request_id"]
    return True


def test_every_answer_tells_what_is_left(owner, caller, settings):
    settings.OYL_KEY_REQUESTS, settings.OYL_TENANT_REQUESTS = 50, 70
    first, second = ask(caller, 2)
    assert first["RateLimit-Policy"] == '"key";q=50;w=60, "tenant";q=70;w=60'
    assert (left(first), left(second)) == ({"key": 49, "tenant": 69}, {"key": 48, "tenant": 68})
    for answer in (
        caller.get("nothing/"),
        caller.get(f"workspaces/{uuid4()}/"),
        caller.post("workspaces/", {}),
    ):
        assert answer.status_code >= 400 and "tenant" in left(answer)
    assert "RateLimit" not in owner.client.get("/admin/")


def test_a_key_is_limited_by_itself_and_with_its_tenant(owner, stranger, settings):
    settings.OYL_KEY_REQUESTS, settings.OYL_TENANT_REQUESTS = 5, 8
    first, second = key_of(owner), key_of(owner)
    assert [refused(answer) for answer in ask(first, 6)] == [False] * 5 + [True]
    assert [refused(answer) for answer in ask(second, 4)] == [False] * 3 + [True]
    assert left(ask(second, 1)[0])["tenant"] == 0
    assert not any(map(refused, ask(key_of(stranger), 5)))


def test_people_in_a_browser_are_limited_each_for_themselves(owner, settings):
    settings.OYL_KEY_REQUESTS = 3
    browser, other = owner.client, make_member(owner.tenant_id, Role.VIEWER).client
    answers = [browser.get("/api/v1/workspaces/") for _ in range(4)]
    assert [refused(answer) for answer in answers] == [False, False, False, True]
    assert not refused(other.get("/api/v1/workspaces/"))
    assert browser.get("/admin/").status_code == 200


def test_who_shows_no_valid_key_is_limited_by_address_and_holds_up_nobody(caller, settings):
    settings.OYL_ADDRESS_REQUESTS = 4
    here, there = ({"REMOTE_ADDR": f"2001:db8::{uuid4().hex[:4]}"} for _ in range(2))
    codes = [
        Client(headers={"Authorization": f"Bearer oyl_{number}"})
        .get("/api/v1/workspaces/", **here)
        .status_code
        for number in range(6)
    ]
    assert codes == [401] * 4 + [429] * 2
    assert Client().get("/api/v1/workspaces/", **here).status_code == 429
    assert Client().get("/api/v1/workspaces/", **there).status_code == 401
    valid = Client(headers={"Authorization": f"Bearer {caller.made.secret}"})
    assert valid.get("/api/v1/workspaces/", **here).status_code == 200


def test_the_window_slides(caller, settings, monkeypatch):
    """Half a minute after a full one, half of it is free again."""
    settings.OYL_KEY_REQUESTS, settings.REDIS_URL = 10, "redis://localhost:1/slides"
    now = time.time() // 60 * 60
    monkeypatch.setattr(time, "time", lambda: now)
    assert not any(map(refused, ask(caller, 10)))
    monkeypatch.setattr(time, "time", lambda: now + 90)
    assert [refused(answer) for answer in ask(caller, 6)] == [False] * 5 + [True]


def test_zero_is_no_limit(caller, settings):
    settings.OYL_KEY_REQUESTS = settings.OYL_TENANT_REQUESTS = 0
    (answer,) = ask(caller, 1)
    assert answer.status_code == 200 and "RateLimit" not in answer


def test_without_redis_the_same_limits_hold_in_each_process(owner, own_redis, settings, caplog, monkeypatch):
    settings.OYL_KEY_REQUESTS = 5
    monkeypatch.setattr(rate_limits, "AWAY_SECONDS", 0.2)
    caller = key_of(owner)
    with caplog.at_level(logging.WARNING, "core.rate_limits"):
        assert not any(map(refused, ask(caller, 2)))
        own_redis.supervisor.stop()
        time.sleep(0.3)
        assert [refused(answer) for answer in ask(caller, 6)] == [False] * 5 + [True]
        assert [record.message for record in caplog.records if "away" in record.message][1:] == []
        own_redis.start()
        time.sleep(0.3)
        assert not any(map(refused, ask(key_of(owner), 1)))
    assert "Redis is back" in caplog.records[-1].message


def test_a_redis_that_hangs_holds_up_one_request_and_not_for_long(owner, own_redis, settings):
    settings.OYL_KEY_REQUESTS = 5
    ask(caller := key_of(owner), 1)
    os.kill(own_redis.pid, signal.SIGSTOP)
    started = time.monotonic()
    assert [refused(answer) for answer in ask(caller, 6)] == [False] * 5 + [True]
    assert time.monotonic() - started < 2
