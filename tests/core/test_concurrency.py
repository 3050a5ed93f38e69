"""Limits of what one key, tenant or address has under way at once, and streams that end with the right to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from django.conf import settings

from core import concurrency
from core.api.events import EventStream
from core.concurrency import Kind, Slots
from core.downloads import LOOK_SECONDS, Download
from core.permissions import Role
from tenants.services.api_keys import revoke_api_key
from tests.conftest import Person, make_member
from tests.knowledge.libraries import BEES, make_library
from tests.support.api_client import Caller, make_caller
from tests.support.server import running_server

LIMIT, SECONDS = 2, 2.0


def with_small_limits(application: Any) -> Any:
    settings.OYL_CONCURRENT_STREAMS = settings.OYL_CONCURRENT_DOWNLOADS = LIMIT
    return application


@pytest.fixture(scope="module")
def address(database: None) -> Iterator[str]:
    with running_server(with_small_limits) as address:
        yield address


@pytest.fixture
def events(owner: Person, tmp_path) -> str:
    """The path of the events of a document that no worker processes."""
    library = make_library(owner, tmp_path)
    (added,) = library.queue(library.upload("bees.md", BEES))
    return f"/api/v1/documents/{added.document_id}/events/"


def key_of(caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.key.secret}"}


def status_of(url: str, caller: Caller) -> int:
    with httpx.stream("GET", url, headers=key_of(caller), timeout=30) as response:
        return response.status_code


def seconds_until_end(address: str, path: str, headers: dict[str, str], action: Any) -> float:
    """From the action, after the first event, until the stream ends."""
    with httpx.stream("GET", address + path, headers=headers, timeout=30) as stream:
        parts = stream.iter_raw()
        assert b"event: progress" in next(parts)
        action()
        started = time.monotonic()
        for _ in parts:
            pass
        return time.monotonic() - started


def test_streams_of_a_key_and_of_its_tenant_are_limited(address: str, owner: Person, events: str):
    callers = [make_caller(owner) for _ in range(concurrency.TENANT_FACTOR + 1)]
    with ExitStack() as opened:
        for caller in callers[:-1]:
            for _ in range(LIMIT):
                stream = httpx.stream("GET", address + events, headers=key_of(caller), timeout=30)
                assert opened.enter_context(stream).status_code == 200
        for caller in callers:  # the first by the key's limit, the last by the tenant's
            refused = httpx.get(address + events, headers=key_of(caller), timeout=30)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_at_once")
            assert int(refused.headers["Retry-After"]) > 0
        assert (
            httpx.get(f"{address}/api/v1/documents/", headers=key_of(callers[0]), timeout=30).status_code
            == 200
        )
    until = time.monotonic() + 20
    while status_of(address + events, callers[0]) != 200:
        assert time.monotonic() < until, "the limit counts streams that have ended"


@pytest.mark.parametrize("what", ["key revoked", "member removed", "signed out", "tenant suspended"])
def test_stream_ends_with_the_right_to_it(
    address: str, owner: Person, events: str, what: str, table_owner: Any
):
    member = make_member(owner.tenant_id, Role.ADMIN)
    client, caller = member.client, make_caller(member)
    session = {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}
    headers, action = {
        "key revoked": (
            key_of(caller),
            lambda: revoke_api_key(actor=owner.actor, api_key=caller.key.api_key),
        ),
        "member removed": (session, lambda: _remove(owner, member)),
        "signed out": (session, lambda: client.post("/admin/logout/")),
        "tenant suspended": (session, lambda: _suspend(owner, table_owner)),
    }[what]
    assert seconds_until_end(address, events, headers, action) < SECONDS + 3  # a busy machine
    assert httpx.get(address + events, headers=headers, timeout=30).status_code == 401


def test_download_ends_with_the_right_to_it(address: str, owner: Person, tmp_path):
    """The client reads slowly, and the file does not fit into the buffers of the connection."""
    library, size = make_library(owner, tmp_path), 48 << 20
    (added,) = library.queue(library.upload("large.txt", "x" * size))
    caller = make_caller(owner)
    url = f"{address}/api/v1/documents/{added.document_id}/content/"
    with httpx.stream("GET", url, headers=key_of(caller), timeout=30) as response:
        parts, received = response.iter_raw(), 0
        next(parts)
        revoke_api_key(actor=owner.actor, api_key=caller.key.api_key)
        time.sleep(LOOK_SECONDS + 0.5)
        with pytest.raises(httpx.RemoteProtocolError):
            for part in parts:
                received += len(part)
    assert received < size


def _suspend(owner: Person, table_owner: Any) -> None:
    with table_owner(owner.tenant_id) as cursor:
        cursor.execute("UPDATE tenants SET deleted_at = now() WHERE id = %s", [owner.tenant_id])


def _remove(owner: Person, member: Person) -> None:
    (row,) = make_caller(owner).get(f"members/?user={member.user.pk}").json()["results"]
    assert make_caller(owner)("delete", f"members/{row['id']}/").status_code == 204


def test_requests_are_limited_and_counted_down(settings):
    settings.OYL_CONCURRENT_REQUESTS = 1
    first, second = Slots(), Slots()
    assert first.take(Kind.REQUEST, subject="here")
    assert not second.take(Kind.REQUEST, subject="here")
    assert second.take(Kind.REQUEST, subject="there")
    first.close()
    assert not first.take(Kind.REQUEST, subject="here") or not concurrency._counts[Kind.REQUEST, "here"]
    assert second.take(Kind.REQUEST, subject="here")
    second.close()
    assert not [place for place in concurrency._counts if place[1] in ("here", "there")]


def test_every_kind_of_long_answer_is_counted():
    assert {EventStream.kind, Download.kind} == set(Kind) - {Kind.REQUEST, Kind.UPLOAD}
