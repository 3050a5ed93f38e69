"""The headers of every route, and what the policy for scripts demands of every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from oyl.response_headers import DATA_POLICY, PAGE_POLICY
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


def pages(rows: Rows) -> Iterator[str]:
    for model in sorted(set(admin.site._registry) - OPERATORS_ONLY, key=str):
        yield from (url(model, "changelist"), url(model, "change", rows[model].pk))
    yield url(Workspace, "add")
    yield from (url(Workspace, page, rows[Workspace].pk) for page in ("history", "delete"))
    yield from map(reverse, ("admin:index", "admin:login", "admin:try_search", "docs"))


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
