"""The base of all API views: permissions, rows, and the headers of every request and response."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import models
from rest_framework import exceptions, mixins, permissions, status, viewsets
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import Actor
from core.api.bound_rows import BoundLookups, bound_rows
from core.api.expansion import PARAMETER as EXPAND
from core.api.expansion import add_expanded
from core.api.filters import parameter_error
from core.api.idempotency import RepeatableRequest
from core.api.parsers import StrictJSONParser
from core.api.problems import PreconditionFailed
from core.conditional import is_unchanged, names
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.permissions import Role, scope
from core.querysets import alive_above
from core.requests import uses_api_key

CHANGING = ("PATCH", "DELETE")
# The actions whose answers have an ETag.
WITH_ETAG = ("retrieve", "partial_update", "text")
READ = {"GET": Role.VIEWER}
WRITE = {**READ, **dict.fromkeys(("POST", *CHANGING), Role.EDITOR)}
ADMINS = dict.fromkeys(("GET", "POST", *CHANGING), Role.ADMIN)


def actor_of(request: Request) -> Actor | None:
    actor: Actor | None = getattr(request._request, "actor", None)
    return actor


def not_allowed(method: str) -> exceptions.MethodNotAllowed:
    """The error for a method that an address does not have."""
    detail = f"This address has no {method}. The header `Allow` names the methods that it has."
    return exceptions.MethodNotAllowed(method, detail=detail)


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer oyl_…`. The middleware has already looked up the key."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        if not uses_api_key(request._request):
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
    """The actor has the role that the view declares for the method; a key also has the scope of the view's area, and a bound
    key is bound to a kind in `bound_by`. A method without a role is not allowed (405)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        actor, method = actor_of(request), str(request.method)
        needed = view.roles.get("GET" if method in ("HEAD", "OPTIONS") else method)
        if needed is None:
            raise not_allowed(method)
        if actor is None:
            raise exceptions.NotAuthenticated("Sign in, or send `Authorization: Bearer <your API key>`.")
        actor.require(needed)
        writes = method not in permissions.SAFE_METHODS and not view.only_reads
        if view.area and not actor.may(view.area, writes=writes):
            lacking = scope(view.area, writes=writes)
            raise exceptions.PermissionDenied(f"Your key lacks the scope '{lacking}'.", code="scope_missing")
        if actor.bound and actor.bound[0] not in view.bound_by:
            detail = f"Your key is bound to one {actor.bound[0]}, and does not open this."
            raise exceptions.PermissionDenied(detail, code="key_bound")
        return True


class TenantViewSet(viewsets.GenericViewSet[Any]):
    """Objects of one of the tenant's models; another tenant's id is a 404, as one that does not exist.

    `roles` is {HTTP method: least role}. `bound_by` is {kind that a key may be bound to: lookups from the model to it}; a
    key of another kind does not open the model. `only_reads` is for POSTs that change nothing. With `opens_own_scopes` no
    transaction is opened around the view, because it calls other services. `area` is "" where a key needs no scope.
    """

    model: ClassVar[type[models.Model]]
    area: ClassVar[str]
    roles: dict[str, Role] = {}
    bound_by: BoundLookups = {}
    opens_own_scopes = False
    only_reads = False
    records_reads = False
    shown_once: tuple[str, ...] = ()
    authentication_classes = (KeyAuthentication, SessionAuthentication)
    permission_classes = (HasDeclaredRole,)
    parser_classes: Sequence[type[BaseParser]] = (StrictJSONParser,)
    _repeatable: RepeatableRequest | None = None

    @classmethod
    def as_view(cls, *args: Any, **kwargs: Any) -> Any:
        view: Any = super().as_view(*args, **kwargs)
        view.opens_own_scopes = kwargs.get("opens_own_scopes", cls.opens_own_scopes)
        parsers = kwargs.get("parser_classes", cls.parser_classes)
        view.takes_files = any(issubclass(parser, MultiPartParser) for parser in parsers)
        return view

    def get_queryset(self) -> models.QuerySet[Any]:
        listed = self.model._default_manager.filter(alive_above(self.model))
        rows = bound_rows(self.actor, listed, self.bound_by)
        changes = self.request.method in CHANGING or "If-Match" in self.request.headers
        return rows.select_for_update(of=("self",)) if changes else rows

    @property
    def actor(self) -> Actor:
        actor = actor_of(self.request)
        assert actor is not None, "HasDeclaredRole requires an actor"
        return actor

    async def is_still_allowed(self) -> bool:
        """Whether the sender may do the same as when the request began: for answers that take long."""
        allowed: bool = await self.request._request.is_still_allowed()  # type: ignore[attr-defined]
        return allowed

    def check_bound(self, rows: models.QuerySet[Any], lookups: BoundLookups) -> None:
        """Raises ForbiddenError, which rolls back the request, when a row does not belong to what the key is bound to."""
        bound = bound_rows(self.actor, rows, lookups)
        if self.actor.bound and rows.exclude(pk__in=bound.values("pk")).exists():
            raise ForbiddenError("Your key is bound to one object, to which this does not belong.")

    def get_object(self) -> Any:
        """Raises PreconditionFailed when the object is no longer one that `If-Match` names."""
        found = super().get_object()
        wanted = self.request.headers.get("If-Match", "*")
        is_conditional = self.request.method not in permissions.SAFE_METHODS and wanted.strip() != "*"
        if is_conditional and not names(wanted, etag(self.present(found))):
            raise PreconditionFailed
        return found

    def present(self, row: Any) -> Any:
        """What the ETag of the object is made of: its representation in the answers to GET and PATCH."""
        kind: Any = type(self).serializer_class  # that of an action may be for its body
        return kind(row, context=self.get_serializer_context()).data

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and self.detail is False and "If-Match" in request.headers:
            detail = "This address has no ETag with which it could be compared. Leave it out."
            raise parameter_error("If-Match", detail, code="unknown")
        if request.method == "POST" and not self.only_reads:
            with tenant_scope(self.actor.tenant_id):
                self._repeatable = RepeatableRequest.begin(request, self.actor)

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        raise not_allowed(str(request.method))

    def handle_exception(self, exc: Exception) -> Response:
        """A failed request can be sent again. In a view with one transaction the rollback sees to that."""
        if self._repeatable and self.opens_own_scopes:
            self._repeatable.release()
        self._repeatable = None
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self._repeatable:
            with tenant_scope(self.actor.tenant_id):
                self._repeatable.store(response, without=self.shown_once)
        if isinstance(response, Response) and response.status_code == status.HTTP_201_CREATED:
            self._add_place(request, response)
        is_plain = isinstance(response, Response) and EXPAND not in request.query_params
        if self.action in WITH_ETAG and response.status_code == 200 and is_plain:
            response["ETag"] = etag(response.data)
            if request.method in permissions.SAFE_METHODS and is_unchanged(request.headers, response["ETag"]):
                response.status_code, response.data = 304, None
        return super().finalize_response(request, response, *args, **kwargs)

    def _add_place(self, request: Request, response: Response) -> None:
        """Where the new object is read, and the ETag that it has there."""
        if self.action == "create" and hasattr(self, "retrieve"):
            response["Location"] = f"{request.path}{response.data['id']}/"
            if not self.shown_once:
                response["ETag"] = etag(response.data)


class ReadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """A list and its objects."""

    roles = READ

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer = super().list(request, *args, **kwargs)
        add_expanded(self, answer.data["results"] if isinstance(answer.data, dict) else answer.data)
        return answer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer = super().retrieve(request, *args, **kwargs)
        add_expanded(self, [answer.data])
        return answer


def etag(data: Any) -> str:
    """A digest of the representation: it changes if and only if that does."""
    return f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'
