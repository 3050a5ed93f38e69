"""A request as OYL's views see it, and its properties before authentication."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest

from core.actors import Actor, PlatformActor
from core.rate_limits import RateLimitResult

API_PREFIXES = ("/api/", "/v1/", "/mcp")
# Each customer of a provider has at least a network of this size (RFC 6177), and all of its addresses.
IPV6_PREFIX = 64
F = TypeVar("F", bound=Callable[..., Any])


class TenantRequest(HttpRequest):
    """`actor` is None before sign-in, for a user without a tenant, and when the chosen tenant is gone, until another one is
    chosen. `operator` is an operator outside of every tenant; a request has one of the two at most. `is_still_allowed` looks
    the sender up again, and returns whether nothing has changed. `rate_limits` counts a request to the API."""

    id: str
    actor: Actor | None
    operator: PlatformActor | None
    is_still_allowed: Callable[[], Awaitable[bool]]
    rate_limits: RateLimitResult


def opens_own_scopes(view: F) -> F:
    """Mark a view that calls other services or streams: the middleware opens no transaction around it."""
    view.opens_own_scopes = True  # type: ignore[attr-defined]
    return view


def takes_files(view: F) -> F:
    """Mark a view to which files are uploaded: its requests may be as large as OYL_UPLOAD_MB."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def uses_api_key(request: HttpRequest) -> bool:
    """Whether an API key is sent; a session is ignored then. Keys are for the API only."""
    return "Authorization" in request.headers and request.path_info.startswith(API_PREFIXES)


def client_address(request: HttpRequest) -> str:
    """For events. Limits count the `client_group`."""
    return str(request.META.get("REMOTE_ADDR", ""))


def client_group(request: HttpRequest) -> str:
    return address_group(client_address(request))


def address_group(address: str) -> str:
    """What every limit of an address counts together: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address  # a socket of the same machine has none
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((int(parsed), IPV6_PREFIX), strict=False))
    return str(parsed)


def rate_limit_key(request: HttpRequest) -> str:
    """Identifies the caller before authentication: the API key, or else the session, or else the address group."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return request.headers.get("Authorization") or session or client_group(request)
