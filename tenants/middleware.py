"""Finds out who asks and in which tenant, and wraps the whole answer in that tenant's scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve

from tenants.actors import Actor, ActorKind
from tenants.lookups import TenantAccess, tenants_of_user
from tenants.scope import tenant_scope

SESSION_KEY = "tenant_id"
F = TypeVar("F", bound=Callable[..., Any])


class TenantRequest(HttpRequest):
    """A request as views see it: `actor` is None before sign-in, and for a user without a tenant."""

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
        request.tenants = tenants_of_user(request.user.pk) if request.user.is_authenticated else []
        request.actor = _actor(request)
        if request.actor is None or _opens_own_scopes(request):
            return self.get_response(request)
        with tenant_scope(request.actor.tenant_id):
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        return response


def _actor(request: TenantRequest) -> Actor | None:
    """The signed-in user in the tenant they chose, else in the first that they may act in."""
    chosen = request.session.get(SESSION_KEY)
    access = next((a for a in request.tenants if str(a.tenant_id) == chosen), None) or next(
        iter(request.tenants), None
    )
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
