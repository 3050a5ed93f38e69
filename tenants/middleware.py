"""Finds a request's actor and tenant, counts the request, and wraps the whole response in the tenant's scope."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from copy import copy
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import resolve

from core.actors import Actor, ActorKind, PlatformActor
from core.api.problems import too_busy, too_many_at_once, too_many_requests, with_rate_headers
from core.concurrency import Kind, Slots, slots_of
from core.downloads import Download
from core.isolation.scope import platform_scope, tenant_scope
from core.rate_limits import Quota, RateLimitResult, rate_limiter
from core.requests import API_PREFIXES, TenantRequest, client_group, rate_limit_key, uses_api_key
from core.sessions import PASSWORD_ENTERED
from core.tenant_slots import TooBusyError
from tenants.access import KeyAccess, TenantAccess, access_by_key, tenant_to_enter, tenants_of_user
from tenants.sender_looks import sender_looks
from tenants.services.api_keys import record_key_use
from tenants.visits import Visit, present_visit

SESSION_KEY = "tenant_id"
PROBES = ("/healthz", "/readyz")
# A sign-in is several requests for pages, and an office has one address.
PAGES_FACTOR = 5


class MemberRequest(TenantRequest):
    """`tenants` are those that the signed-in user may act in. `visit` is an operator's, `key_access` that of a key."""

    tenants: list[TenantAccess]
    key_access: KeyAccess | None
    visit: Visit | None


class TenantMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: MemberRequest) -> HttpResponse:
        try:
            return self._answer(request)
        except TooBusyError as error:  # of this middleware's own scopes; views answer theirs
            return too_busy(request, error)

    def _answer(self, request: MemberRequest) -> HttpResponse:
        _identify(request)
        if request.key_access:
            record_key_use(request.key_access)
        sender = request.actor, request.session.session_key
        request.is_still_allowed = sender_looks.of(
            sender, lambda: look_up_actor(request, request.session.session_key) == request.actor
        )
        if slots := slots_of(request):
            return self._limited(request, slots)
        with closing(Slots()) as slots:
            return self._limited(request, slots)

    def _limited(self, request: MemberRequest, slots: Slots) -> HttpResponse:
        """The response, unless its sender has too many requests, streams or downloads under way."""
        subject = _subject_of(request)
        if not slots.take(Kind.REQUEST, **subject):
            return too_many_at_once(request, Kind.REQUEST)
        response = self._counted(request)
        kind: Kind | None = getattr(response, "kind", None)
        if isinstance(response, Download):
            response.is_allowed = request.is_still_allowed
        if kind is None or slots.take(kind, **subject):
            return response
        response.close()
        return too_many_at_once(request, kind)

    def _counted(self, request: MemberRequest) -> HttpResponse:
        if not request.path_info.startswith(API_PREFIXES):
            return refuse_page(request) or self._in_scope(request)
        request.rate_limits = result = count_request(request)
        if not result.allowed:
            return too_many_requests(request, result)
        return with_rate_headers(self._in_scope(request), result)

    def _in_scope(self, request: TenantRequest) -> HttpResponse:
        if _opens_own_scopes(request) or not (request.actor or request.operator):
            return self.get_response(request)
        with tenant_scope(request.actor.tenant_id) if request.actor else platform_scope():
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        return response


def look_up_actor(request: Any, session_key: str | None) -> Actor | None:
    """Who sends the request, by a new look at the database. It is no part of the middleware's own request."""
    looked_up = copy(request)
    looked_up.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    looked_up.user = get_user(looked_up)
    _identify(looked_up)
    found: Actor | None = looked_up.actor
    return found


def refuse_page(request: TenantRequest) -> HttpResponse | None:
    """If too many requests for pages came from the address without a sign-in. Probes are no pages."""
    if request.actor or request.operator or request.path_info in PROBES:
        return None
    subject = f"pages/{client_group(request)}"
    quota = Quota("address", settings.OYL_ADDRESS_REQUESTS * PAGES_FACTOR, subject)
    result = rate_limiter().count([quota], credential=subject)
    if result.allowed:
        return None
    return HttpResponse(render_to_string("busy.html"), status=429, headers={"Retry-After": str(result.wait)})


def count_request(request: TenantRequest) -> RateLimitResult:
    return rate_limiter().count(_quotas_of(request), credential=_counted_credential(request))


def _subject_of(request: TenantRequest) -> dict[str, str]:
    """Whose requests are counted together: an API key's, a person's, or an address group's. And their tenant."""
    if (actor := request.actor) is None:
        return {"subject": client_group(request)}
    return {"subject": f"{actor.tenant_id}/{actor.counted_as}", "tenant": str(actor.tenant_id)}


def _counted_credential(request: TenantRequest) -> str:
    if request.actor is None:
        return client_group(request)
    rate_limiter().remember_valid(credential := rate_limit_key(request))
    return credential


def _identify(request: MemberRequest) -> None:
    """Find out who sends the request, and in which tenant. A membership gives an operator no right, and takes none away."""
    request.tenants, request.visit, request.operator, request.key_access = [], None, None, None
    if uses_api_key(request):
        request.key_access = _key_access(request)
        request.actor = _key_actor(request, request.key_access) if request.key_access else None
    elif request.user.is_authenticated and request.user.is_superuser:
        operator = operator_actor(request)
        request.visit = present_visit(request.session)
        request.actor = operator.inside(request.visit.tenant_id) if request.visit else None
        request.operator = None if request.visit else operator
    else:
        request.tenants = tenants_of_user(request.user.pk) if request.user.is_authenticated else []
        request.actor = _session_actor(request)


def operator_actor(request: TenantRequest) -> PlatformActor:
    """The signed-in operator."""
    return PlatformActor(
        kind=ActorKind.OPERATOR,
        credential="session",
        user_id=request.user.pk,
        request_id=request.id,
        password_entered_at=request.session.get(PASSWORD_ENTERED, 0),
    )


def _quotas_of(request: TenantRequest) -> list[Quota]:
    """The quotas of a known actor and of their tenant. Requests without a valid key share the quota of their address
    group; valid keys from the same address are not counted there."""
    if (actor := request.actor) is None:
        return [Quota("address", settings.OYL_ADDRESS_REQUESTS, client_group(request))]
    return [
        Quota("key", settings.OYL_KEY_REQUESTS, _subject_of(request)["subject"]),
        Quota("tenant", settings.OYL_TENANT_REQUESTS, str(actor.tenant_id)),
    ]


def _key_access(request: TenantRequest) -> KeyAccess | None:
    """None when the key is not valid."""
    kind, _, key = request.headers["Authorization"].partition(" ")
    return access_by_key(key.strip()) if kind.lower() == "bearer" else None


def _key_actor(request: TenantRequest, access: KeyAccess) -> Actor:
    return Actor(
        kind=ActorKind.API_KEY,
        tenant_id=access.tenant_id,
        role=access.role,
        credential=access.prefix,
        user_id=access.user_id,
        request_id=request.id,
        scopes=frozenset(access.scopes),
        bound=(access.bound_kind, access.bound_id) if access.bound_kind else None,
        made_by=access.made_by,
    )


def _session_actor(request: MemberRequest) -> Actor | None:
    """The signed-in user in the chosen tenant, or in the one to enter if they have chosen none. None when they may no longer
    act in the chosen tenant: another one that they did not choose could mislead them."""
    chosen = request.session.get(SESSION_KEY)
    if chosen is None:
        access = tenant_to_enter(request.tenants)
    else:
        access = next((one for one in request.tenants if str(one.tenant_id) == chosen), None)
    if access is None:
        return None
    return Actor(
        kind=ActorKind.USER,
        tenant_id=access.tenant_id,
        role=access.role,
        credential="session",
        user_id=request.user.pk,
        request_id=request.id,
        password_entered_at=request.session.get(PASSWORD_ENTERED, 0),
    )


def _opens_own_scopes(request: HttpRequest) -> bool:
    try:
        return getattr(resolve(request.path_info).func, "opens_own_scopes", False)
    except Http404:
        return False
