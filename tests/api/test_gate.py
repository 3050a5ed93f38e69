"""What is refused before Django hears of it."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from core import rate_limits
from oyl.admission import AdmissionMiddleware
from tests.api.conftest import Caller


async def django(scope: Any, receive: Any, send: Any) -> None:
    """Or what stands for it."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def send(**request: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(AdmissionMiddleware(django))
        async with httpx.AsyncClient(transport=transport, base_url="http://oyl") as client:
            return await client.post("/api/v1/documents/upload/", **request)

    return asyncio.run(ask())


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Length": str((1024 << 20) + 1)}, 413, "too_large"),
        ({"Transfer-Encoding": "chunked"}, 411, "length_required"),
    ],
)
def test_a_body_too_large_or_of_no_told_length_is_refused_before_it_is_kept(headers, status, code):
    refused(send(headers=headers, content=b""), status, code)
    assert send(content=b"x").status_code == 204


def test_who_asks_on_waits_anew(caller: Caller, settings, monkeypatch: pytest.MonkeyPatch):
    settings.OYL_KEY_REQUESTS = 1
    key = {"Authorization": f"Bearer {caller.made.secret}"}
    caller.get("workspaces/")
    assert send(headers=key).status_code == 204  # not yet told
    wait = int(caller.get("workspaces/")["Retry-After"])
    clock: Any = SimpleNamespace(now=time.monotonic(), monotonic=lambda: clock.now, time=time.time)
    monkeypatch.setattr(rate_limits, "time", clock)
    for _ in range(3):
        answer = send(headers=key)
        refused(answer, 429, "rate_limited")
        assert int(answer.headers["Retry-After"]) == wait
        clock.now += wait - 0.1
    assert send(headers={"Authorization": "Bearer oyl_other"}).status_code == 204
    clock.now += wait
    assert send(headers=key).status_code == 204
