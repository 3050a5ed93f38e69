"""Requests that are refused before they reach Django."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from core import rate_limits
from oyl.admission import AdmissionMiddleware
from tests.support.api_client import Caller


async def application(scope: Any, receive: Any, send: Any) -> None:
    """A stand-in for the Django application."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def post(**request: Any) -> httpx.Response:
    async def post_upload() -> httpx.Response:
        transport = httpx.ASGITransport(AdmissionMiddleware(application))
        async with httpx.AsyncClient(transport=transport, base_url="http://oyl") as client:
            return await client.post("/api/v1/documents/upload/", **request)

    return asyncio.run(post_upload())


def assert_refused(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["X-Request-ID"]


def test_too_large_body_is_refused_early():
    too_much = {"Content-Length": str((1024 << 20) + 1)}
    assert_refused(post(headers=too_much, content=b""), 413, "too_large")
    assert post(content=b"x").status_code == 204


def test_early_retry_does_not_move_the_end_of_the_wait(
    caller: Caller, settings, monkeypatch: pytest.MonkeyPatch
):
    settings.OYL_KEY_REQUESTS = 1
    key = {"Authorization": f"Bearer {caller.key.secret}"}
    caller.get("workspaces/")
    assert post(headers=key).status_code == 204  # the middleware does not know of the limit yet
    wait = int(caller.get("workspaces/")["Retry-After"])
    clock: Any = SimpleNamespace(now=time.monotonic(), monotonic=lambda: clock.now, time=time.time)
    monkeypatch.setattr(rate_limits, "time", clock)
    for left in range(wait, 0, -max(1, wait // 5)):
        response = post(headers=key)
        assert_refused(response, 429, "rate_limited")
        assert int(response.headers["Retry-After"]) == left
        clock.now += max(1, wait // 5)
    assert post(headers={"Authorization": "Bearer oyl_other"}).status_code == 204
    assert post(headers=key).status_code == 204
