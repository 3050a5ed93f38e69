"""No tenant's requests use up the database's connections while they wait for locks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.conf import settings
from django.db import connection, transaction

from core.isolation.scope import tenant_scope
from core.isolation.time_limits import BULK, REQUEST, TimeLimits, time_limits
from core.request_work import RETRY_SECONDS, bulk_slots, connection_slots
from core.tenant_slots import TooBusyError
from knowledge.models import Document
from tests.conftest import Person
from tests.core.locks import locked
from tests.knowledge.libraries import BEES, make_library
from tests.support.admin_rows import Rows
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.support.server import running_server
from workspaces.models import Workspace

POOL = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
SHARE = POOL // 4


def with_short_waits(application: Any) -> Any:
    connection_slots()._wait_seconds = 1.0
    return application


@contextmanager
def turns(monkeypatch: pytest.MonkeyPatch, slots: Any, most: int) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(slots, "_most", most)
        patched.setattr(slots, "_wait_seconds", 0.1)
        yield


def key_of(caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.key.secret}"}


def test_lock_waiters_of_one_tenant_do_not_keep_out_others(
    owner: Person, stranger: Person, caller: Caller, rows: Rows
):
    """More of them than the pool has connections."""
    count, page = POOL + 10, f"/api/v1/workspaces/{rows[Workspace].pk}/"
    other, seconds = key_of(make_caller(stranger)), []
    limits = httpx.Limits(max_connections=count + 2)
    with (
        running_server(with_short_waits) as address,
        httpx.Client(base_url=address, timeout=60, limits=limits) as client,
        ThreadPoolExecutor(count) as threads,
    ):

        def rename(number: int) -> httpx.Response:
            return client.patch(page, json={"name": f"Name {number}"}, headers=key_of(caller))

        assert client.get("/readyz").status_code == 200
        with locked(rows[Workspace]):
            renaming = [threads.submit(rename, number) for number in range(count)]
            for _ in range(10):
                began = time.monotonic()
                answers = [client.get("/api/v1/workspaces/", headers=other), client.get("/readyz")]
                seconds.append(time.monotonic() - began)
                assert [answer.status_code for answer in answers] == [200, 200]
            wait(renaming, timeout=2)  # those that wait for their turn give up
        renamed = [one.result() for one in renaming]
    statuses = Counter(answer.status_code for answer in renamed)
    assert statuses[429] > count - POOL and statuses[200] >= SHARE and set(statuses) == {200, 429}
    refused = next(answer for answer in renamed if answer.status_code == 429)
    assert (refused.json()["code"], refused.headers["Retry-After"]) == ("too_busy", str(RETRY_SECONDS))
    assert sum(seconds) < REQUEST.lock, "others wait until the waiters give up"


def test_pages_are_refused_with_the_time_to_wait(owner: Person, monkeypatch: pytest.MonkeyPatch):
    client = owner.client
    with turns(monkeypatch, connection_slots(), 0):
        refused = client.get("/admin/workspaces/workspace/")
        assert (refused.status_code, refused["Retry-After"]) == (429, str(RETRY_SECONDS))
    assert client.get("/admin/workspaces/workspace/").status_code == 200


def test_work_after_the_commit_has_the_turn_of_its_request(
    tenant: UUID, stranger: Person, monkeypatch: pytest.MonkeyPatch
):
    counts = []

    def look() -> None:
        for tenant_id in (tenant, stranger.tenant_id):
            with tenant_scope(tenant_id):
                counts.append(Workspace.objects.count())

    with turns(monkeypatch, connection_slots(), 1), tenant_scope(tenant):
        transaction.on_commit(look)
    assert counts == [0, 0]


def test_tasks_and_commands_wait_for_no_turn(tenant: UUID, monkeypatch: pytest.MonkeyPatch):
    with turns(monkeypatch, connection_slots(), 0):
        with time_limits(BULK), tenant_scope(tenant):
            assert Workspace.objects.count() == 0
        with pytest.raises(TooBusyError), tenant_scope(tenant):
            pass


def test_request_that_waits_for_its_turn_has_no_connection(tenant: UUID):
    pool = connection.pool  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    held, slots = pool.get_stats()["pool_available"], connection_slots()
    release = threading.Timer(0.5, lambda: seen.append(pool.get_stats()["pool_available"]))
    seen: list[int] = []
    release.start()
    slots._held[tenant] = SHARE
    slots._wait_seconds, before = 1.0, slots._wait_seconds
    try:
        with pytest.raises(TooBusyError), tenant_scope(tenant):
            pass
    finally:
        slots._wait_seconds = before
        del slots._held[tenant]
    release.join()
    assert seen == [held + 1]


@pytest.fixture
def document(owner: Person, tmp_path: Any) -> Document:
    library = make_library(owner, tmp_path)
    library.add("bees.md", BEES)
    with tenant_scope(owner.tenant_id):
        found: Document = Document.objects.get()
    return found


BULK_ROUTES = {"tag": {"tags": ["insects"]}, "untag": {"tags": ["insects"]}, "reindex": {}, "delete": {}}


def test_third_change_of_many_documents_is_told_to_wait(
    tenant: UUID, caller: Caller, document: Document, monkeypatch: pytest.MonkeyPatch
):
    for route, more in BULK_ROUTES.items():
        body = {"ids": [str(document.pk)], **more}
        slots = bulk_slots()
        with turns(monkeypatch, slots, 2), slots.hold(tenant), slots.hold(tenant):
            refused = caller.post(f"documents/{route}/", body)
            assert_problem(refused, 429, "too_busy")
            assert refused["Retry-After"] == str(RETRY_SECONDS)
        assert caller.post(f"documents/{route}/", body).json() == {"count": 1}


def test_change_of_many_documents_waits_shortly_for_locks(
    caller: Caller, document: Document, monkeypatch: pytest.MonkeyPatch
):
    short = TimeLimits(statement=30, lock=0.2, idle=30, transaction=30)
    monkeypatch.setattr("knowledge.api.documents.BULK_REQUEST", short)
    for route, more in BULK_ROUTES.items():
        with locked(document):
            stopped = caller.post(f"documents/{route}/", {"ids": [str(document.pk)], **more})
        assert_problem(stopped, 503, "took_too_long")
        assert int(stopped["Retry-After"]) > 0
