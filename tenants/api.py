"""The base of the REST doors: who asks is known from the middleware, what they may is declared, the rest are services.

Keys, idempotency and the full set of routes come with the API's own release; what stands here holds for all of them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from rest_framework import exceptions, permissions, status, views, viewsets
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.actors import Actor
from tenants.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, OylError
from tenants.models import Role

STATUSES: dict[type[OylError], int] = {
    NotFoundError: status.HTTP_404_NOT_FOUND,
    ForbiddenError: status.HTTP_403_FORBIDDEN,
    ConflictError: status.HTTP_409_CONFLICT,
    InvalidError: status.HTTP_422_UNPROCESSABLE_ENTITY,
}


def actor_of(request: Request) -> Actor | None:
    actor: Actor | None = getattr(request._request, "actor", None)
    return actor


class DeclaredRole(permissions.BasePermission):
    """The actor has the role that the view declares for the method; a method without one is not allowed (405)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method == "OPTIONS":
            return actor_of(request) is not None
        needed = view.roles.get(request.method)
        if needed is None:
            raise exceptions.MethodNotAllowed(str(request.method))
        actor = actor_of(request)
        return actor is not None and actor.role.rank >= needed.rank


class TenantViewSet(viewsets.GenericViewSet[Any]):
    """Objects of one model of the tenant's; another tenant's id is a 404, as an absent one. `roles` leads from HTTP
    method to the least role."""

    model: ClassVar[type[models.Model]]
    roles: ClassVar[dict[str, Role]] = {}
    authentication_classes = (SessionAuthentication,)
    permission_classes = (DeclaredRole,)

    def get_queryset(self) -> models.QuerySet[Any]:
        return self.model._default_manager.all()

    @property
    def actor(self) -> Actor:
        actor = actor_of(self.request)
        assert actor is not None, "DeclaredRole lets nobody else in"
        return actor


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Errors as problem details (RFC 9457); None for what the server itself is to blame for."""
    if isinstance(error, OylError):
        kind = next((k for k in STATUSES if isinstance(error, k)), None)
        return _response(STATUSES[kind], error.code, str(error)) if kind else None
    response = views.exception_handler(error, context)
    if response is None:
        return None
    code = getattr(error, "default_code", "not_found")
    detail = response.data.get("detail", response.data) if isinstance(response.data, dict) else response.data
    headers = {
        name: response[name] for name in ("Allow", "WWW-Authenticate", "Retry-After") if name in response
    }
    return _response(response.status_code, code, detail, headers)


def _response(code: int, name: str, detail: Any, headers: dict[str, str] | None = None) -> Response:
    body = {"type": "about:blank", "status": code, "code": name, "detail": detail}
    return Response(body, status=code, headers=headers, content_type="application/problem+json")
