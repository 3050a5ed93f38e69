"""Who may send how much: a large body is taken only from a known sender, because Django writes it to the disk before it
authenticates the sender."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.urls import resolve

from core.actors import Actor
from core.api.problems import plain_problem, service_busy, too_many_at_once, too_many_requests
from core.concurrency import Kind, Slots, bytes_under_way
from core.connections import is_database_busy, run_in_thread
from core.rate_limits import RateLimitResult
from core.requests import client_group
from tenants.middleware import count_request, look_up_actor

ANYBODY_BYTES = 64 << 10
# A quarter of what a process may receive is left to tenants that have no more than a 64th under way.
RESERVED, LITTLE = 4, 64
TOO_LARGE = "A request to this address may have {most:,} bytes. Send less at a time."
UNKNOWN = (
    "A body of more than {most:,} bytes, or of unknown length, is taken only with a valid API key or from a browser that is"
    " signed in."
)


class CountedBody:
    """ASGI's `receive` of a request whose body may be read. The slots count the bytes of a large one as they arrive, until
    the response has been sent, so that what is only announced takes nothing from others. When there is no room for more,
    the application sees a client that has gone, and `refusal` is the answer; so it is for a body of unknown length that
    becomes too large."""

    def __init__(self, request: Any, slots: Slots, receive: Callable[[], Awaitable[Any]]) -> None:
        self._request, self._slots, self._receive = request, slots, receive
        self._actor: Actor | None = getattr(request, "actor", None)
        self._received = 0
        self.refusal: HttpResponse | None = None

    async def __call__(self) -> Any:
        message = await self._receive()
        count = len(message.get("body", b""))
        self._received += count
        if is_chunked(self._request) and self._received > (most := _largest(self._request)):
            self.refusal = plain_problem(self._request, 413, "too_large", TOO_LARGE.format(most=most))
        elif self._actor and count:
            self.refusal = _refuse_bytes(self._request, self._actor, self._slots, count=count)
        return {"type": "http.disconnect"} if self.refusal else message


def is_chunked(request: Any) -> bool:
    """Whether the request does not say how long its body is."""
    return "Transfer-Encoding" in request.headers


async def refuse_body(request: Any, slots: Slots) -> HttpResponse | None:
    """None if the body may be read, by `CountedBody`. One for which there is no room now is refused before it is sent.

    The server reads no more than Content-Length says. One of unknown length is counted while it arrives.
    """
    given = request.META.get("CONTENT_LENGTH", "0")
    length = int(given if given.isdigit() else 0)
    if length <= ANYBODY_BYTES and not is_chunked(request):
        return None
    most = _largest(request)
    if length > most:
        return plain_problem(request, 413, "too_large", TOO_LARGE.format(most=most))
    return await _refuse_sender(request, length, slots)


async def _refuse_sender(request: Any, length: int, slots: Slots) -> HttpResponse | None:
    try:
        async with ThreadSensitiveContext():
            actor, counted = await run_in_thread(lambda: _look_up(request))
    except OperationalError as error:
        if not is_database_busy(error):
            raise
        return service_busy(request)
    if actor is not None:
        return _refuse_bytes(request, actor, slots, room=length)
    if not counted.allowed:
        return too_many_requests(request, counted)
    return plain_problem(request, 401, "not_authenticated", UNKNOWN.format(most=ANYBODY_BYTES))


def _look_up(request: Any) -> tuple[Actor | None, RateLimitResult]:
    """The sender, by a look at the database for each large body: a key that was revoked sends no more of them."""
    request.actor = look_up_actor(request, request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return request.actor, RateLimitResult() if request.actor else count_request(request)


def _refuse_bytes(
    request: Any, actor: Actor, slots: Slots, *, count: int = 0, room: int = 0
) -> HttpResponse | None:
    """All bodies that are received or processed at the same time have a limit, and half of it for one tenant or address."""
    most, largest, tenant = settings.OYL_RECEIVED_MB << 20, settings.OYL_UPLOAD_MB << 20, str(actor.tenant_id)
    has_little = bytes_under_way(tenant) + max(count, room) <= most // LITTLE
    shared = most if has_little else max(most - most // RESERVED, largest)
    if not slots.take_bytes(count, {"process": shared}, room=room):
        return service_busy(request)
    own = max(most // 2, largest)
    if not slots.take_bytes(count, {tenant: own, client_group(request): own}, room=room):
        return too_many_at_once(request, Kind.UPLOAD)
    return None


def _largest(request: Any) -> int:
    takes_files = _takes_files(request.path_info)
    return (settings.OYL_UPLOAD_MB << 20) if takes_files else int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _takes_files(path: str) -> bool:
    try:
        return getattr(resolve(path).func, "takes_files", False)
    except Http404:
        return False
