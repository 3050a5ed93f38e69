"""Cross-origin requests of browsers: from the origins of the setting, with keys and without cookies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.conf import settings

from tests.conftest import Person
from tests.support.api_client import Caller
from tests.support.server import running_server

ORIGIN = "https://app.example.org"


def with_origin(application: Any) -> Any:
    settings.OYL_CORS_ORIGINS = [ORIGIN]
    return application


@pytest.fixture(scope="module")
def address(database: None) -> Iterator[str]:
    with running_server(with_origin) as address:
        yield address


def ask(
    address: str, method: str = "GET", path: str = "/api/v1/workspaces/", **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, address + path, headers=named, timeout=30)


def key_of(caller: Caller) -> str:
    return f"Bearer {caller.key.secret}"


def test_preflight_is_answered(address: str):
    wanted = "authorization, idempotency-key, x-stainless-os"
    asked = {"Access_Control_Request_Method": "PATCH", "Access_Control_Request_Headers": wanted}
    answer = ask(address, "OPTIONS", Origin=ORIGIN, **asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Headers"] == wanted
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/workspaces/", b"", 401),
        ("/api/v1/documents/upload/", bytes(70_000), 401),  # refused before Django
        ("/v1/models", b"", 401),
    ],
)
def test_refusals_can_be_read(address: str, path: str, body: bytes, status: int):
    method = "POST" if body else "GET"
    answer = httpx.request(method, address + path, content=body, headers={"Origin": ORIGIN}, timeout=30)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


def test_key_works_and_cookies_do_not(address: str, owner: Person, caller: Caller):
    session = f"sessionid={owner.client.cookies['sessionid'].value}"
    assert ask(address, Origin=ORIGIN, Authorization=key_of(caller)).status_code == 200
    assert ask(address, Cookie=session).status_code == 200
    assert ask(address, Origin=ORIGIN, Cookie=session).status_code == 401


@pytest.mark.parametrize(
    "origin", ["https://app.example.org.evil.example", "http://app.example.org", "null", ""]
)
def test_other_origins_get_no_header(address: str, caller: Caller, origin: str):
    answer = ask(address, Origin=origin, Authorization=key_of(caller))
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"]
    preflight = ask(address, "OPTIONS", Origin=origin, Access_Control_Request_Method="GET")
    assert preflight.status_code != 204


def test_pages_get_no_header(address: str):
    assert "Access-Control-Allow-Origin" not in ask(address, path="/admin/login/", Origin=ORIGIN).headers


def test_it_is_off_unless_set(caller: Caller):
    assert settings.OYL_CORS_ORIGINS == []
    with running_server() as address:
        answer = ask(address, Origin=ORIGIN, Authorization=key_of(caller))
    assert answer.status_code == 200 and "Access-Control-Allow-Origin" not in answer.headers
