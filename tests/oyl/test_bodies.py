"""Large bodies are taken only from known senders, at the addresses that take files, within budgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from core.concurrency import Slots, bytes_under_way
from oyl.bodies import ANYBODY_BYTES
from tenants.services.api_keys import revoke_api_key
from tests.conftest import Person, make_owner
from tests.support.api_client import Caller, make_caller

UPLOAD, FILES, PAGE = "/api/v1/documents/upload/", "/v1/files", "/admin/knowledge/document/add/"
LARGE = 2 << 20
NONE: dict[str, str] = {}


def post(path: str, headers: dict[str, str] = NONE, length: int = LARGE) -> tuple[httpx.Response, bool]:
    """Return the response, and whether the body was read."""
    from oyl.asgi import application

    was_read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal was_read
        was_read = True
        yield b"x" * length

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(application, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            given = {"Content-Length": str(length), "Content-Type": "text/plain", **headers}
            return await client.post(path, content=body(), headers=given)

    return asyncio.run(send()), was_read


def key(caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.key.secret}"}


def session(person: Person) -> dict[str, str]:
    return {"Cookie": f"sessionid={person.client.cookies['sessionid'].value}"}


@pytest.mark.parametrize("path", ["/healthz", "/nothing-here", "/admin/login/", UPLOAD, FILES, PAGE])
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": f"Bearer oyl_{'0' * 12}_{'x' * 43}"}, {"Cookie": "sessionid=x"}]
)
def test_large_body_of_a_stranger_is_not_read(database: None, settings, path: str, headers: dict[str, str]):
    settings.OYL_ADDRESS_REQUESTS = 0
    response, was_read = post(path, headers, ANYBODY_BYTES + 1)
    assert (response.status_code, was_read) == (401, False)
    response, was_read = post(path, headers, ANYBODY_BYTES)
    assert was_read


@pytest.mark.parametrize("path", [UPLOAD, FILES, PAGE])
def test_large_body_is_read_where_files_are_taken(owner: Person, caller: Caller, path: str):
    response, was_read = post(path, session(owner) if path == PAGE else key(caller))
    assert was_read and response.status_code not in (401, 413)


@pytest.mark.parametrize("path", ["/api/v1/workspaces/", "/v1/embeddings", "/admin/"])
def test_large_body_is_refused_elsewhere(owner: Person, caller: Caller, path: str):
    response, was_read = post(path, {**key(caller), **session(owner)})
    assert (response.status_code, was_read) == (413, False)


def post_chunked(path: str, headers: dict[str, str], *parts: bytes) -> tuple[httpx.Response, int]:
    """Return the response, and how many of the parts were read."""
    from oyl.asgi import application

    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for part in parts:
            read += 1
            yield part

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(application, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(path, content=body(), headers=headers)

    return asyncio.run(send()), read


def test_body_of_unknown_length_is_read(caller: Caller):
    form = '--x\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    parts = [
        form.format("purpose", "", "assistants"),
        form.format("file", '; filename="a.md"', "Bees"),
        "--x--\r\n",
    ]
    given = {**key(caller), "Content-Type": "multipart/form-data; boundary=x"}
    response, _ = post_chunked(FILES, given, *(part.encode() for part in parts))
    assert (response.status_code, response.json()["filename"], response.json()["bytes"]) == (200, "a.md", 4)
    name = {**key(caller), "Content-Type": "application/json"}
    assert post_chunked("/api/v1/workspaces/", name, b'{"name":', b' "Chunked"}')[0].status_code == 201


def test_body_of_unknown_length_ends_at_the_limit(caller: Caller, settings):
    response, read = post_chunked("/api/v1/workspaces/", key(caller), *[b"x" * (1 << 19)] * 9)
    assert (response.status_code, response.json()["code"], read) == (413, "too_large", 3)
    settings.OYL_ADDRESS_REQUESTS = 0
    response, read = post_chunked(FILES, NONE, b"x")
    assert (response.status_code, read) == (401, 0)


def test_revoked_key_sends_no_more(owner: Person, caller: Caller):
    assert post(UPLOAD, key(caller))[1]
    revoke_api_key(actor=owner.actor, api_key=caller.key.api_key)
    response, was_read = post(UPLOAD, key(caller))
    assert (response.status_code, was_read) == (401, False)


def test_strangers_bodies_count_for_their_address(database: None, settings):
    settings.OYL_ADDRESS_REQUESTS, settings.REDIS_URL = 2, f"redis://localhost:1/{uuid4().hex}"
    assert [post(UPLOAD)[0].status_code for _ in range(4)] == [401, 401, 429, 429]


def test_bodies_at_the_same_time_have_budgets(owner: Person, caller: Caller, settings):
    settings.OYL_UPLOAD_MB, settings.OYL_RECEIVED_MB = 3, 8
    other = Slots()
    assert other.take_bytes(3 << 20, {str(owner.tenant_id): 4 << 20})
    response, was_read = post(UPLOAD, key(caller))
    assert (response.status_code, response.json()["code"], was_read) == (429, "too_many_at_once", False)
    other.close()
    assert post(UPLOAD, key(caller))[1]
    other = Slots()
    assert other.take_bytes(7 << 20, {"process": 8 << 20}), "the bytes of the last request are given back"
    response, was_read = post(UPLOAD, key(caller))
    assert (response.status_code, response.headers["Retry-After"], was_read) == (503, "5", False)
    other.close()


def test_announced_bytes_take_nothing_from_others(owner: Person, caller: Caller, stranger: Person, settings):
    """Slow uploads of two tenants, each as large as it may be, leave room for the upload of a third."""
    settings.OYL_UPLOAD_MB, settings.OYL_RECEIVED_MB = 3, 12
    others = [make_caller(person) for person in (stranger, stranger, make_owner(), make_owner())]
    response = asyncio.run(upload_beside_slow_ones(others, caller))
    assert response.status_code not in (429, 503)


def test_reserve_is_left_to_tenants_with_little_under_way(owner: Person, caller: Caller, settings):
    settings.OYL_UPLOAD_MB, settings.OYL_RECEIVED_MB = 3, 16
    others = Slots()
    assert others.take_bytes(13 << 20, {"process": 16 << 20})
    assert post(UPLOAD, key(caller))[0].status_code == 503
    assert post(UPLOAD, key(caller), 200_000)[0].status_code not in (429, 503)
    others.close()


def test_body_is_refused_when_there_is_no_more_room(owner: Person, caller: Caller, settings):
    """Bytes of others that arrive meanwhile: the rest of the body is not read, and what was read is given back."""
    settings.OYL_UPLOAD_MB, settings.OYL_RECEIVED_MB = 3, 4
    others, pieces = Slots(), 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal pieces
        for pieces in range(1, 21):
            if pieces == 3:
                others.take_bytes(3 << 20, {"process": 0})
            yield b"x" * (LARGE // 20)

    response = asyncio.run(send(key(caller), body()))
    assert (response.status_code, response.headers["Retry-After"], pieces) == (503, "5", 3)
    others.close()
    assert not bytes_under_way("process") and not bytes_under_way(str(owner.tenant_id))
    assert post(UPLOAD, key(caller))[0].status_code not in (429, 503)


async def send(
    headers: dict[str, str], body: AsyncIterator[bytes], length: int = LARGE, address: str = "192.0.2.1"
) -> httpx.Response:
    from oyl.asgi import application

    transport = httpx.ASGITransport(application, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        given = {"Content-Length": str(length), "Content-Type": "text/plain", **headers}
        return await client.post(UPLOAD, content=body, headers=given)


async def upload_beside_slow_ones(others: list[Caller], caller: Caller) -> httpx.Response:
    """The others announce 3 MB each, and send a little; then the caller uploads."""
    end, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        begun.release()
        await end.wait()
        yield b"x" * ((3 << 20) - 1000)

    async def whole() -> AsyncIterator[bytes]:
        yield b"x" * LARGE

    waiting = [
        asyncio.create_task(send(key(other), slow(), 3 << 20, f"192.0.2.{number}"))
        for number, other in enumerate(others, 10)
    ]
    for _ in others:
        await asyncio.wait_for(begun.acquire(), 10)
    try:
        return await send(key(caller), whole())
    finally:
        end.set()
        await asyncio.gather(*waiting)
