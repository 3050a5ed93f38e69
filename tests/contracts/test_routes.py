"""The role and the scope that every route and method of both APIs requires."""

from __future__ import annotations

from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from core.api.views import TenantViewSet
from core.apps import oyl_apps
from core.permissions import Role, key_scopes, scope
from oyl.routes import ROUTES
from tests.conftest import Person, make_member
from tests.proof.isolation.routes import Route, routes
from tests.support.api_client import make_caller

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
API_ROUTES = [route for route in routes() if issubclass(getattr(route.view, "cls", object), TenantViewSet)]


def declared_role(route: Route, method: str) -> Role | None:
    """The minimum role; None for a method that is not allowed."""
    roles = route.view.initkwargs.get("roles", route.view.cls.roles)
    return roles.get(method) if method.lower() in route.view.actions else None


def send(client: Client, method: str, address: str) -> Any:
    return client.generic(method, address, "{}", content_type="application/json")


@pytest.mark.parametrize("route", API_ROUTES, ids=lambda route: route.template)
def test_route_requires_its_role(route: Route, owner: Person):
    """A lower role than the method's declared one gets 403, a method without a declared role 405."""
    members = [owner, *(make_member(owner.tenant_id, role) for role in Role if role is not Role.OWNER)]
    clients, address = [(member.actor.role, member.client) for member in members], route.address(pk=uuid4())
    for method, (role, client) in product(METHODS, clients):
        required = declared_role(route, method)
        is_allowed = required is not None and role.rank >= required.rank
        status = send(client, method, address).status_code
        assert (status not in (403, 405)) == is_allowed, (method, role, status)


@pytest.mark.parametrize(
    "route", [route for route in API_ROUTES if route.view.cls.area], ids=lambda route: route.template
)
def test_route_requires_its_scope(route: Route, owner: Person):
    """All scopes but the required one (or the write scope that includes it) get 403."""
    options = {"area": route.view.cls.area, "only_reads": route.view.cls.only_reads, **route.view.initkwargs}
    area, only_reads, address = options["area"], options["only_reads"], route.address(pk=uuid4())
    for method in filter(lambda method: declared_role(route, method), METHODS):
        required = scope(area, writes=method != "GET" and not only_reads)
        others = [name for name in key_scopes() if name not in (required, scope(area, writes=True))]
        for scopes, is_allowed in ((others, False), ([required], True)):
            client = Client(headers={"Authorization": f"Bearer {make_caller(owner, scopes).key.secret}"})
            response = send(client, method, address)
            assert (response.status_code != 403) == is_allowed, (method, scopes)
            assert is_allowed or all(
                word in response.content.decode() for word in ("scope_missing", required)
            )


def test_routes_of_both_apis_are_tested():
    prefixes = {route.template.partition("/")[0] for route in API_ROUTES}
    assert prefixes == {"api", "v1"} and len(API_ROUTES) > 60


def test_every_area_has_routes():
    assert {view.area for view in ROUTES.values() if view.area} == {
        area.name for config in oyl_apps() for area in config.areas
    }
