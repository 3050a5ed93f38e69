"""Who may send how much: a large body is taken only from a known sender, because Django writes it to the disk before it
authenticates the sender."""

from __future__ import annotations

from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.urls import resolve

from core.actors import Actor
from core.api.problems import plain_problem, service_busy, too_many_at_once, too_many_requests
from core.concurrency import Kind, Slots
from core.connections import is_database_busy, run_in_thread
from core.rate_limits import RateLimitResult
from core.requests import client_group
from tenants.middleware import count_request, look_up_actor

ANYBODY_BYTES = 64 << 10
LENGTHLESS = "Say in Content-Length how long the body is."
TOO_LARGE = "A request to this address may have {most:,} bytes. Send less at a time."
UNKNOWN = "A body of more than {most:,} bytes is taken only with a valid API key or from a browser that is signed in."


async def refuse_body(request: Any, slots: Slots) -> HttpResponse | None:
    """None if the body may be read. The slots then count its bytes until the response has been sent.

    Content-Length suffices: the server reads no more than that, and Django's parsers ignore a body without it.
    """
    if "Transfer-Encoding" in request.headers:
        return plain_problem(request, 411, "length_required", LENGTHLESS)
    given = request.META.get("CONTENT_LENGTH", "0")
    length = int(given if given.isdigit() else 0)
    if length <= ANYBODY_BYTES:
        return None
    most = (
        (settings.OYL_UPLOAD_MB << 20)
        if _takes_files(request.path_info)
        else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    )
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
        return _refuse_bytes(request, actor, length, slots)
    if not counted.allowed:
        return too_many_requests(request, counted)
    return plain_problem(request, 401, "not_authenticated", UNKNOWN.format(most=ANYBODY_BYTES))


def _look_up(request: Any) -> tuple[Actor | None, RateLimitResult]:
    """The sender, by a look at the database for each large body: a key that was revoked sends no more of them."""
    request.actor = look_up_actor(request, request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return request.actor, RateLimitResult() if request.actor else count_request(request)


def _refuse_bytes(request: Any, actor: Actor, length: int, slots: Slots) -> HttpResponse | None:
    """All bodies that are received or processed at the same time have a limit, and half of it for one tenant or address."""
    most = settings.OYL_RECEIVED_MB << 20
    own = max(most // 2, settings.OYL_UPLOAD_MB << 20)
    if not slots.take_bytes(length, {"process": most}):
        return service_busy(request)
    if not slots.take_bytes(length, {str(actor.tenant_id): own, client_group(request): own}):
        return too_many_at_once(request, Kind.UPLOAD)
    return None


def _takes_files(path: str) -> bool:
    try:
        return getattr(resolve(path).func, "takes_files", False)
    except Http404:
        return False
