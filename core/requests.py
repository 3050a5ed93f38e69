"""A request as OYL's views see it, and what is known of it before anybody is looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest

from core.actors import Actor

API_PREFIXES = ("/api/", "/v1/")
F = TypeVar("F", bound=Callable[..., Any])


class TenantRequest(HttpRequest):
    """`actor` is None before sign-in, for a user without a tenant, and until another one is chosen when the chosen one is
    gone."""

    id: str
    actor: Actor | None


def opens_own_scopes(view: F) -> F:
    """Mark a view that talks to the outside or streams: the middleware opens no transaction around it."""
    view.opens_own_scopes = True  # type: ignore[attr-defined]
    return view


def is_by_key(request: HttpRequest) -> bool:
    """Whether an API key is sent; a session beside it does not count then. Keys open the API alone."""
    return "Authorization" in request.headers and request.path_info.startswith(API_PREFIXES)


def client_address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def rate_limit_key(request: HttpRequest) -> str:
    """Identifies the caller before authentication: the API key, or else the session, or else the address."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return request.headers.get("Authorization") or session or client_address(request)
