"""The access log: one line of JSON for each request, also for those that are refused, written when the answer has ended.

It has no query strings, bodies, headers, addresses of clients, and no ids of objects: paths are those of routes.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.admindocs.views import simplify_regex
from django.http import Http404
from django.urls import resolve

Scope = MutableMapping[str, Any]
Call = Callable[..., Awaitable[Any]]
SCOPE_NAME = "oyl.access"
logger = logging.getLogger("oyl.access")


@dataclass(slots=True)
class Access:
    """`request` is Django's, when there is one: with its sender, route and id. `status` is 0 until the answer begins."""

    request: Any = None
    status: int = 0
    sent_bytes: int = 0


class AccessLogMiddleware:
    """ASGI middleware, around all others."""

    def __init__(self, application: Call) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        if scope["type"] != "http" or not logger.isEnabledFor(logging.INFO):
            await self._application(scope, receive, send)
            return
        access, begin = Access(), time.monotonic()

        async def counted(message: MutableMapping[str, Any]) -> None:
            await send(message)
            access.status = message.get("status", access.status)
            access.sent_bytes += len(message.get("body", b""))

        try:
            await self._application({**scope, SCOPE_NAME: access}, receive, counted)
        finally:
            _write(access, scope["method"], scope["path"], time.monotonic() - begin)


def note(request: Any) -> None:
    """The line of the access log will name this request's sender, route and id."""
    if access := getattr(request, "scope", {}).get(SCOPE_NAME):
        access.request = request


def write_refusal(status: int) -> None:
    """A line for what the server refuses before it is a request."""
    _write(Access(status=status), "", "", 0)


def _write(access: Access, method: str, path: str, seconds: float) -> None:
    request = access.request
    actor = getattr(request, "actor", None)
    operator = getattr(request, "operator", None)
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "tenant": actor and str(actor.tenant_id),
        "credential": actor.caller if actor else operator and str(operator.user_id),
        "method": method,
        "route": _route(request, path),
        "status": access.status or None,
        "bytes": access.sent_bytes,
        "seconds": round(seconds, 3),
        "request_id": getattr(request, "id", None),
    }
    logger.info(json.dumps(line))


def _route(request: Any, path: str) -> str | None:
    """The route's pattern, because a path may have ids, and tokens of invitations; None where there is no route."""
    match = getattr(request, "resolver_match", None)
    try:
        match = match or resolve(path)
    except Http404:
        return None
    return str(simplify_regex(match.route))
