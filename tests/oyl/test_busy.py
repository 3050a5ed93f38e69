"""Without a free database connection, requests get a 503 that says so. `/readyz` tells it from an absent PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from django.db import connection

from tests.conftest import Person
from tests.support.api_client import Caller
from tests.support.server import running_server


def with_used_pool(application: Any) -> Any:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict["OPTIONS"]["pool"] |= {"max_size": 1, "timeout": 0.2}
    pool = connection.pool  # type: ignore[attr-defined]
    pool.open()
    application.taken = pool.getconn()
    return application


def without_postgres(application: Any) -> Any:
    connection.settings_dict["HOST"] = "/nowhere"
    return application


@contextmanager
def client(change: Callable[[Any], Any]) -> Iterator[httpx.Client]:
    with running_server(change) as address, httpx.Client(base_url=address, timeout=30) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/api/v1/workspaces/", "/api/v1/documents/", "/v1/files"])
def test_api_answers_busy(database: None, caller: Caller, path: str):
    with client(with_used_pool) as opened:
        response = opened.get(path, headers={"Authorization": f"Bearer {caller.key.secret}"})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "busy" in (response.json().get("code"), response.json().get("error", {}).get("code"))


def test_admin_answers_busy_with_a_page(owner: Person):
    session = owner.client.cookies["sessionid"].value
    with client(with_used_pool) as opened:
        response = opened.get("/admin/", headers={"Cookie": f"sessionid={session}"})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "OYL is too busy at the moment" in response.text


def test_readyz_tells_busy_from_gone(database: None):
    with client(with_used_pool) as opened:
        busy, alive = opened.get("/readyz"), opened.get("/healthz")
    assert (busy.status_code, busy.json()["status"], busy.json()["components"]["database"]) == (
        503,
        "busy",
        True,
    )
    assert alive.status_code == 200
    with client(without_postgres) as opened:
        gone = opened.get("/readyz")
    assert (gone.status_code, gone.json()["status"]) == (503, "unavailable")
    assert gone.json()["components"]["database"] is False
