"""The headers of every route, and what the policy for scripts demands of every page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from core.concurrency import Slots
from oyl.handler import Handler
from oyl.response_headers import DATA_POLICY, HEADERS, PAGE_POLICY
from tests.conftest import Person, make_owner
from tests.knowledge.libraries import BEES, make_library
from tests.proof.isolation.routes import Route, routes
from tests.support.admin_pages import OPERATORS_ONLY, url
from tests.support.admin_rows import Rows, make_rows
from tests.support.api_client import Caller, make_caller
from workspaces.models import Workspace

# A script in the page itself, an event handler in an attribute, or a script as an address.
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|\son[a-z]+\s*=|javascript:", re.I)
FOREIGN = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""")


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def rows(owner: Person) -> Rows:
    return make_rows(owner)


def check(response: Any) -> str:
    """Check the headers of one response, and return its body."""
    is_page = response.get("Content-Type", "").startswith("text/html")
    body = b"" if response.streaming else response.content
    response.close()
    assert response["Content-Security-Policy"] == (PAGE_POLICY if is_page else DATA_POLICY)
    assert {"private", "no-store"} <= set(re.split(r",\s*", response["Cache-Control"]))
    assert "camera=()" in response["Permissions-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] in ("same-origin", "no-referrer")
    return str(body.decode())


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.template)
def test_every_route_answers_with_the_headers(route: Route, owner: Person):
    for client in (Client(), owner.client):
        for method in ("GET", "POST"):
            check(client.generic(method, route.address(Workspace, uuid4()), content_type="application/json"))


def test_an_address_without_a_route_answers_with_the_headers(owner: Person):
    for path in ("/nothing", "/api/v1/nothing", "/v1/nothing"):
        check(owner.client.get(path))


# The answers that are given before Django's views, or without them.
EARLY: dict[str, tuple[int, str, dict[str, str]]] = {
    "body of a stranger": (401, "/api/v1/documents/upload/", {"Content-Length": str(1 << 20)}),
    "large body": (413, "/api/v1/workspaces/", {"Content-Length": str(2 << 20)}),
    "chunked body of a stranger": (401, "/", {"Transfer-Encoding": "chunked"}),
    "unknown host": (400, "/admin/login/", {"Host": "elsewhere.example"}),
    "health": (200, "/healthz", {}),
    "readiness": (200, "/readyz", {}),
    "no route": (404, "/nothing", {}),
    "slash": (308, "/api/v1/workspaces", {}),
    "static file that is absent": (404, "/static/nothing.js", {}),
}


def ask(path: str, headers: dict[str, str], application: Any = None) -> httpx.Response:
    from oyl import asgi

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(application or asgi.application, client=("192.0.2.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(send())


@pytest.mark.parametrize("way", EARLY)
def test_every_other_way_of_answering_has_the_headers(way: str, database: None):
    status, path, headers = EARLY[way]
    check_early(ask(path, headers), status)


def test_static_files_have_the_headers(database: None, settings):
    (settings.STATIC_ROOT / "headers-test.txt").write_text("static")
    answer = ask("/static/headers-test.txt", {}, Handler())  # which looks for the files when it starts
    check_early(answer, 200, is_static=True)


def test_query_that_is_no_text_is_refused_with_the_headers(database: None):
    from oyl.asgi import application

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "query_string": b"\xff"}, receive, send)

    check_early(ask("/healthz", {}, broken), 400)


def test_refusals_for_limits_have_the_headers(database: None, settings):
    settings.OYL_ADDRESS_REQUESTS, settings.REDIS_URL = 1, f"redis://localhost:1/{uuid4().hex}"
    for status in (401, 429, 429):
        check_early(ask("/api/v1/workspaces/", {}), status)
    settings.REDIS_URL = f"redis://localhost:1/{uuid4().hex}"  # with no refusal to remember
    settings.OYL_ADDRESS_REQUESTS = 0
    other = Slots()
    assert other.take_bytes(settings.OYL_RECEIVED_MB << 20, {"process": settings.OYL_RECEIVED_MB << 20})
    key = {"Authorization": f"Bearer {make_caller(make_owner()).key.secret}", "Content-Length": str(1 << 20)}
    check_early(ask("/api/v1/documents/upload/", key), 503)
    other.close()


def test_redirect_to_https_and_broken_views_have_the_headers(owner: Person, settings, monkeypatch):
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/admin/")
    assert answer.status_code == 301
    check(answer)
    settings.SECURE_SSL_REDIRECT = False
    monkeypatch.setattr("oyl.health.PROBES", None)
    answer = Client(raise_request_exception=False).get("/readyz")
    assert answer.status_code == 500
    check(answer)


def check_early(response: httpx.Response, status: int, *, is_static: bool = False) -> None:
    assert response.status_code == status, response.content
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    assert response.headers["Content-Security-Policy"] == (PAGE_POLICY if is_page else DATA_POLICY)
    for name, value in HEADERS.items():
        assert response.headers[name] == value or (is_static and name == "Cache-Control"), name


def pages(rows: Rows) -> Iterator[str]:
    for model in sorted(set(admin.site._registry) - OPERATORS_ONLY, key=str):
        yield from (url(model, "changelist"), url(model, "change", rows[model].pk))
    yield url(Workspace, "add")
    yield from (url(Workspace, page, rows[Workspace].pk) for page in ("history", "delete"))
    yield from map(reverse, ("admin:index", "admin:login", "admin:try_search", "admin:chat", "docs"))


def test_pages_have_no_scripts_of_their_own_and_load_nothing_from_elsewhere(owner: Person, rows: Rows):
    client, shown = owner.client, 0
    for path in pages(rows):
        page = client.get(path)
        text = check(page)
        assert INLINE.findall(text) == [], path
        assert FOREIGN.findall(text) == [], path
        shown += page.status_code == 200
    assert shown > 40


def test_texts_downloads_and_streams_are_neither_kept_nor_run(tmp_path: Path):
    owner = make_owner()
    document = make_library(owner, tmp_path).add("page.html", f"<script>alert(1)</script><p>{BEES}")
    caller: Caller = make_caller(owner)
    for path in ("text/", "content/", "events/", ""):
        response = caller.get(f"documents/{document.pk}/{path}")
        assert response.status_code == 200
        check(response)
    download = caller.get(f"documents/{document.pk}/content/")
    assert download["Content-Disposition"].startswith("attachment") and "sandbox" in DATA_POLICY
    download.close()


def test_the_policy_lets_no_other_host_and_no_frame_in():
    for policy in (PAGE_POLICY, DATA_POLICY):
        assert "frame-ancestors 'none'" in policy and "*" not in policy and "http" not in policy
    assert "'unsafe-inline'" not in PAGE_POLICY.partition("script-src")[2].partition(";")[0]
