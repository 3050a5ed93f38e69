"""One line for each request, without anything that is secret or belongs to a tenant."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.contrib.admindocs.views import simplify_regex
from django.test import Client

from oyl import access_log
from tenants.models import User
from tests.conftest import Person, browser
from tests.knowledge.libraries import BEES, make_library
from tests.proof.isolation.routes import routes
from tests.support.api_client import Caller
from workspaces.models import Workspace

FACTS = ["time", "tenant", "credential", "method", "route", "status", "bytes", "seconds", "request_id"]
CANARY = f"canary{uuid4().hex}"


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    import oyl.asgi  # noqa: F401 - which configures the loggers

    written: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert CANARY not in self.format(record)
            written.append(json.loads(record.getMessage()))
            assert list(written[-1]) == FACTS

    keep = Keep()
    access_log.logger.addHandler(keep)
    yield written
    access_log.logger.removeHandler(keep)


def send(*requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
    from oyl.asgi import application

    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(application, client=("192.0.2.7", 1))
        answers = []
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for method, path, options in requests:
                client.cookies.clear()
                answers.append(await client.request(method, path, **options))
        return answers

    return asyncio.run(all_of_them())


def bearer(caller: Caller) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {caller.key.secret}"}}


def session(client: Client) -> dict[str, Any]:
    return {"headers": {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}}


def test_every_route_has_a_line_with_its_pattern_and_without_secrets(
    database: None, lines: list[dict[str, Any]]
):
    pk, every = uuid4(), routes()
    headers = {
        "Authorization": f"Bearer {CANARY}",
        "Cookie": f"sessionid={CANARY}; more={CANARY}",
        "X-Canary": CANARY,
        "Referer": f"/{CANARY}",
    }
    body = json.dumps({"password": CANARY}).encode()
    paths = [f"{one.address(Workspace, pk)}?q={CANARY}".replace("unknown", CANARY) for one in every]
    answers = send(*(("GET", path, {"headers": headers, "content": body}) for path in paths))
    facts = [(line["status"], line["bytes"], line["request_id"]) for line in lines]
    assert facts == [(one.status_code, len(one.content), one.headers["X-Request-ID"]) for one in answers]
    assert str(pk) not in json.dumps(lines)
    patterns = {"/" + simplify_regex(route.template).lstrip("/") for route in every}
    assert {line["route"] for line in lines} <= patterns
    assert {line["method"] for line in lines} == {"GET"} and {line["credential"] for line in lines} == {None}


def test_lines_name_the_tenant_and_the_key_or_the_person(
    owner: Person, caller: Caller, operator: User, lines: list[dict[str, Any]]
):
    send(
        ("GET", "/api/v1/workspaces/", bearer(caller)),
        ("GET", "/api/v1/workspaces/", session(owner.client)),
        ("GET", f"/admin/workspaces/workspace/{uuid4()}/change/", session(owner.client)),
        ("GET", "/admin/", session(browser(operator))),
    )
    tenant, person = str(owner.tenant_id), str(owner.user.pk)
    senders = [
        (tenant, caller.key.api_key.prefix),
        (tenant, person),
        (tenant, person),
        (None, str(operator.pk)),
    ]
    assert [(line["tenant"], line["credential"]) for line in lines] == senders
    assert lines[2]["route"] == "/admin/workspaces/workspace/<path:object_id>/change/"
    text = json.dumps(lines)
    assert caller.key.secret not in text and owner.client.cookies["sessionid"].value not in text


def test_refused_requests_have_lines(caller: Caller, viewer: Person, lines: list[dict[str, Any]], settings):
    settings.OYL_ADDRESS_REQUESTS, settings.REDIS_URL = 1, f"redis://localhost:1/{uuid4().hex}"
    large = {"Content-Length": str(2 << 20)}
    send(
        ("POST", "/api/v1/documents/upload/", {"headers": large, "content": b""}),
        ("POST", "/api/v1/workspaces/", {"headers": {**large, **bearer(caller)["headers"]}, "content": b""}),
        ("GET", "/api/v1/audit-logs/", session(viewer.client)),
        ("GET", f"/nothing/{CANARY}", {}),
        ("POST", "/v1/files", {"headers": large, "content": b""}),
        ("GET", "/v1/files", {}),
    )
    assert [line["status"] for line in lines] == [401, 413, 403, 404, 429, 429]
    assert [lines[at]["route"] for at in (0, 3, 4)] == ["/api/v1/documents/upload/", None, "/v1/files"]
    assert lines[2]["credential"] == str(viewer.user.pk)
    assert all(line["request_id"] for line in lines)


def test_stream_has_a_line_at_its_end(
    caller: Caller, owner: Person, tmp_path: Path, lines: list[dict[str, Any]]
):
    document = make_library(owner, tmp_path).add("bees.md", BEES)
    (answer,) = send(("GET", f"/api/v1/documents/{document.pk}/events/", bearer(caller)))
    (line,) = lines
    assert line["route"] == "/api/v1/documents/<pk>/events/" and line["bytes"] == len(answer.content) > 0
    assert (line["tenant"], line["credential"]) == (str(owner.tenant_id), caller.key.api_key.prefix)


def test_client_that_leaves_and_broken_application_have_lines(lines: list[dict[str, Any]]):
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    scope = {"type": "http", "method": "GET", "path": "/healthz"}
    with pytest.raises(RuntimeError):
        asyncio.run(access_log.AccessLogMiddleware(broken)(scope, None, None))  # type: ignore[arg-type]
    assert [(line["status"], line["route"]) for line in lines] == [(None, "/healthz")]
    access_log.write_refusal(431)
    assert lines[1]["status"] == 431
