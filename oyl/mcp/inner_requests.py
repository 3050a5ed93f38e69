"""Requests to the REST API from within a request, with the same sender and the same checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.http import Http404
from django.urls import resolve

from core.actors import Actor
from core.errors import OylError
from core.isolation.scope import tenant_scope
from core.requests import TenantRequest

# What the middleware knows about the sender.
SENDER = ("id", "actor", "operator", "user", "session", "is_still_allowed")
KEPT_HEADERS = ("HTTP_AUTHORIZATION", "HTTP_HOST", "REMOTE_ADDR", "wsgi.url_scheme")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None


class RefusedError(OylError):
    """The API refused a request; the message is the API's."""


class NoObjectError(RefusedError):
    """There is no such object: take an id that a search or a list returned."""


def answer(request: TenantRequest, call: Call) -> Any:
    """Return the JSON that the REST API answers to the sender of `request`. To be called outside of a scope. Raises
    RefusedError."""
    actor: Actor | None = request.actor
    assert actor is not None, "the view requires an actor"
    try:
        match = resolve(call.path)
    except Http404:
        raise NoObjectError from None
    opens_own_scopes = getattr(match.func, "opens_own_scopes", False)
    with nullcontext() if opens_own_scopes else tenant_scope(actor.tenant_id):
        response = match.func(_inner(request, call), *match.args, **match.kwargs)
        response.render()
        if response.status_code >= 400 and not opens_own_scopes:
            transaction.set_rollback(True)
    if response.status_code == 404:
        raise NoObjectError
    content = json.loads(response.content)
    if response.status_code >= 400:
        raise RefusedError(_message(content))
    return content


def _inner(request: TenantRequest, call: Call) -> WSGIRequest:
    body = b"" if call.body is None else json.dumps(call.body).encode()
    environ = {
        **{name: request.META[name] for name in KEPT_HEADERS if name in request.META},
        "REQUEST_METHOD": call.method,
        "PATH_INFO": call.path,
        "QUERY_STRING": urlencode(call.query or {}, doseq=True),
        "HTTP_ACCEPT": "application/json",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "inner",
        "SERVER_PORT": "0",
        "wsgi.input": BytesIO(body),
    }
    inner = WSGIRequest(environ)
    for name in SENDER:
        setattr(inner, name, getattr(request, name))
    inner.scope = getattr(request, "scope", {})  # type: ignore[attr-defined] # it says whether the client has left
    return inner


def _message(problem: Any) -> str:
    """The sentences of a problem, with the fields that they are about (RFC 9457, `core.api.problems`)."""
    errors = problem.get("errors") or []
    fields = [f"{one.get('field', '')}: {one.get('detail', '')}" for one in errors]
    return " ".join(filter(None, [problem.get("detail") or problem.get("title"), *fields]))
