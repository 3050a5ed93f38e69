"""The base of all API views: who may, which rows, and what holds for every request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.http import parse_etags
from rest_framework import exceptions, mixins, permissions, viewsets
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import Actor
from core.api.idempotency import Repeatable
from core.api.parsers import StrictJSONParser
from core.api.problems import PreconditionFailed
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.permissions import Role, scope
from core.requests import is_by_key

CHANGING = ("PATCH", "DELETE")
READ = {"GET": Role.VIEWER}
WRITE = {**READ, **dict.fromkeys(("POST", *CHANGING), Role.EDITOR)}
ADMINS = dict.fromkeys(("GET", "POST", *CHANGING), Role.ADMIN)


def actor_of(request: Request) -> Actor | None:
    actor: Actor | None = getattr(request._request, "actor", None)
    return actor


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer oyl_…`. The middleware has looked the key up already."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        if not is_by_key(request._request):
            return None
        if actor_of(request) is None:
            raise exceptions.AuthenticationFailed(
                "This key opens nothing: it is unknown, revoked or expired, or its owner may no longer act here."
                " Make a new one in the admin under API keys.",
                code="invalid_api_key",
            )
        return request._request.user, None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="OYL"'


class HasDeclaredRole(permissions.BasePermission):
    """The actor has the role that the view declares for the method, and a key the scope of its area, which what it is
    bound to is a part of; a method without a role is not allowed (405)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        actor, method = actor_of(request), str(request.method)
        needed = view.roles.get("GET" if method in ("HEAD", "OPTIONS") else method)
        if needed is None:
            raise exceptions.MethodNotAllowed(method)
        if actor is None:
            raise exceptions.NotAuthenticated("Sign in, or send `Authorization: Bearer <your API key>`.")
        actor.require(needed)
        writes = method not in permissions.SAFE_METHODS and not view.only_reads
        if not actor.may(view.area, writes=writes):
            lacking = scope(view.area, writes=writes)
            raise exceptions.PermissionDenied(f"Your key lacks the scope '{lacking}'.", code="scope_missing")
        if actor.bound and actor.bound[0] not in view.bound_by:
            told = f"Your key is bound to one {actor.bound[0]}, and does not open this."
            raise exceptions.PermissionDenied(told, code="key_bound")
        return True


BoundLookups = dict[str, tuple[str, ...]]


def bound_rows(actor: Actor, rows: models.QuerySet[Any], ways: BoundLookups) -> models.QuerySet[Any]:
    """Those that the actor's key is bound to; `ways` leads from the kind of the binding to lookups of the rows, of which
    one must hold."""
    if actor.bound is None:
        return rows
    kind, pk = actor.bound
    mine = reduce(or_, (Q(**{way: pk}) for way in ways[kind]))
    return rows.filter(pk__in=rows.model._default_manager.filter(mine).values("pk"))


class TenantViewSet(viewsets.GenericViewSet[Any]):
    """Objects of one model of the tenant's; another tenant's id is a 404, as an absent one.

    `roles` leads from HTTP method to the least role, `bound_by` from what a key may be bound to, to the lookups that lead
    there from the model; a bound key does not open a model that has no such way. `only_reads` is for methods that
    change nothing though they are no GET. What `opens_own_scopes` talks to the outside: no transaction is around it.
    """

    model: ClassVar[type[models.Model]]
    area: ClassVar[str]
    roles: dict[str, Role] = {}
    bound_by: BoundLookups = {}
    opens_own_scopes = False
    only_reads = False
    shown_once: tuple[str, ...] = ()
    authentication_classes = (KeyAuthentication, SessionAuthentication)
    permission_classes = (HasDeclaredRole,)
    parser_classes: Sequence[type[BaseParser]] = (StrictJSONParser,)
    _repeatable: Repeatable | None = None

    @classmethod
    def as_view(cls, *args: Any, **kwargs: Any) -> Any:
        view: Any = super().as_view(*args, **kwargs)
        view.opens_own_scopes = kwargs.get("opens_own_scopes", cls.opens_own_scopes)
        return view

    def get_queryset(self) -> models.QuerySet[Any]:
        rows = bound_rows(self.actor, self.model._default_manager.all(), self.bound_by)
        return rows.select_for_update(of=("self",)) if self.request.method in CHANGING else rows

    @property
    def actor(self) -> Actor:
        actor = actor_of(self.request)
        assert actor is not None, "Declared lets nobody else in"
        return actor

    def check_bound(self, rows: models.QuerySet[Any], ways: BoundLookups) -> None:
        """Raises ForbiddenError, which undoes what was done, when some of the rows are not what the key is bound to."""
        mine = bound_rows(self.actor, rows, ways)
        if self.actor.bound and rows.exclude(pk__in=mine.values("pk")).exists():
            raise ForbiddenError("Your key is bound to one object, to which this does not belong.")

    def get_object(self) -> Any:
        """Raises PreconditionFailed when the object is no longer one that `If-Match` names."""
        found = super().get_object()
        wanted = parse_etags(self.request.headers.get("If-Match", "*"))
        if self.request.method in CHANGING and wanted != ["*"] and not self._is_among(wanted, found):
            raise PreconditionFailed
        return found

    def _is_among(self, etags: Sequence[str], found: Any) -> bool:
        """A proxy that compresses makes an ETag weak; here it differs with what the reader sees, weak or not."""
        return etag(self.get_serializer(found).data) in [one.removeprefix("W/") for one in etags]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and not self.only_reads:
            with tenant_scope(self.actor.tenant_id):
                self._repeatable = Repeatable.begin(request, self.actor)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self._repeatable and response.status_code < 400:
            with tenant_scope(self.actor.tenant_id):
                self._repeatable.keep(response, without=self.shown_once)
        if self.action in ("retrieve", "partial_update") and response.status_code == 200:
            response["ETag"] = etag(response.data)
        return super().finalize_response(request, response, *args, **kwargs)


class ReadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """A list and its objects."""

    roles = READ


def etag(data: Any) -> str:
    """Of what the reader sees: it changes when that does, and only then."""
    return f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'
