"""Finds out who asks and in which tenant, how often they may, and wraps the whole answer in that tenant's scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve

from tenants.actors import Actor, ActorKind
from tenants.api.problems import plain_problem
from tenants.lookups import TenantAccess, access_by_key, tenants_of_user
from tenants.permissions import Bound
from tenants.rates import Quota, Verdict, rates
from tenants.scope import tenant_scope
from tenants.services import note_use

SESSION_KEY = "tenant_id"
API = ("/api/", "/v1/")
TOO_OFTEN = "You ask more often than you may. `Retry-After` says after how many seconds to go on."
F = TypeVar("F", bound=Callable[..., Any])


class TenantRequest(HttpRequest):
    """A request as views see it: `actor` is None before sign-in, for a user without a tenant, and until another one is
    chosen when the chosen one is gone."""

    id: str
    actor: Actor | None
    tenants: list[TenantAccess]


def opens_own_scopes(view: F) -> F:
    """Mark a view that talks to the outside or streams: the middleware opens no transaction around it."""
    view.opens_own_scopes = True  # type: ignore[attr-defined]
    return view


class TenantMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponse:
        if not request.path_info.startswith(API):
            _find_actor(request)
            return self._in_scope(request)
        _find_actor(request)
        verdict = rates().count(_quotas(request), credential=shown(request))
        if not verdict.allowed:
            return too_often(request, verdict)
        return _told(self._in_scope(request), verdict)

    def _in_scope(self, request: TenantRequest) -> HttpResponse:
        if request.actor is None or _opens_own_scopes(request):
            return self.get_response(request)
        with tenant_scope(request.actor.tenant_id):
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        return response


def _find_actor(request: TenantRequest) -> None:
    request.tenants = tenants_of_user(request.user.pk) if request.user.is_authenticated else []
    request.actor = _key_actor(request) if is_by_key(request) else _session_actor(request)


def shown(request: HttpRequest) -> str:
    """What tells those who ask apart before anybody is looked up."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return request.headers.get("Authorization") or session or _address(request)


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _quotas(request: TenantRequest) -> list[Quota]:
    """Of who is known: their own and their tenant's. Whoever shows no valid key shares their address's; valid keys from
    the same address are not held up by that."""
    if (actor := request.actor) is None:
        return [Quota("address", settings.OYL_ADDRESS_REQUESTS, _address(request))]
    own = str(actor.user_id) if actor.scopes is None else actor.credential
    return [
        Quota("key", settings.OYL_KEY_REQUESTS, f"{actor.tenant_id}/{own}"),
        Quota("tenant", settings.OYL_TENANT_REQUESTS, str(actor.tenant_id)),
    ]


def too_often(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    return _told(plain_problem(request, 429, "rate_limited", TOO_OFTEN), verdict)


def _told(response: HttpResponse, verdict: Verdict) -> HttpResponse:
    for name, value in verdict.headers.items():
        response[name] = value
    return response


def is_by_key(request: HttpRequest) -> bool:
    """Whether a key is shown; a session beside it does not count then. Keys open the API alone."""
    return "Authorization" in request.headers and request.path_info.startswith(API)


def _key_actor(request: TenantRequest) -> Actor | None:
    """None when the key is not valid, or no longer."""
    kind, _, key = request.headers["Authorization"].partition(" ")
    access = access_by_key(key.strip()) if kind.lower() == "bearer" else None
    if access is None:
        return None
    note_use(access)
    bound = (Bound(access.bound_kind), access.bound_id) if access.bound_kind else None
    return Actor(
        kind=ActorKind.API_KEY,
        tenant_id=access.tenant_id,
        role=access.role,
        credential=access.prefix,
        user_id=access.user_id,
        request_id=request.id,
        scopes=frozenset(access.scopes),
        bound=bound,
    )


def _session_actor(request: TenantRequest) -> Actor | None:
    """The signed-in user in the tenant they chose, or in the first that they may act in while they have chosen none.
    None when the chosen one is no longer theirs: nobody shall find themselves in another without knowing."""
    chosen = request.session.get(SESSION_KEY)
    allowed = (access for access in request.tenants if chosen in (None, str(access.tenant_id)))
    access = next(allowed, None)
    if access is None:
        return None
    return Actor(
        kind=ActorKind.OPERATOR if request.user.is_superuser else ActorKind.USER,
        tenant_id=access.tenant_id,
        role=access.role,
        credential="session",
        user_id=request.user.pk,
        request_id=request.id,
    )


def _opens_own_scopes(request: HttpRequest) -> bool:
    try:
        return getattr(resolve(request.path_info).func, "opens_own_scopes", False)
    except Http404:
        return False
