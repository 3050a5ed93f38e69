"""The role and the scope that every route and method of both APIs requires."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from core.api.views import TenantViewSet
from core.apps import oyl_apps
from core.permissions import Role, key_scopes, scope
from oyl.routes import ROUTES
from tests.conftest import Person, make_member, make_owner
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


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def clients(owner: Person) -> dict[Role, Client]:
    """A signed-in client of each role."""
    others = [make_member(owner.tenant_id, role) for role in Role if role is not Role.OWNER]
    return {Role(member.actor.role): member.client for member in (owner, *others)}


@pytest.fixture(scope="module")
def client_with(owner: Person) -> Callable[[frozenset[str]], Client]:
    """A client with a key of the owner that has just these scopes."""

    @cache
    def client_with(scopes: frozenset[str]) -> Client:
        key = make_caller(owner, sorted(scopes)).key
        return Client(headers={"Authorization": f"Bearer {key.secret}"})

    return client_with


@pytest.mark.parametrize("route", API_ROUTES, ids=lambda route: route.template)
def test_route_requires_its_role(route: Route, clients: dict[Role, Client]):
    """A lower role than the method's declared one gets 403, a method without a declared role 405."""
    address = route.address(pk=uuid4())
    for method, (role, client) in product(METHODS, clients.items()):
        required = declared_role(route, method)
        is_allowed = required is not None and role.rank >= required.rank
        if required or role in (Role.OWNER, Role.VIEWER):
            status = send(client, method, address).status_code
            assert (status not in (403, 405)) == is_allowed, (method, role, status)


@pytest.mark.parametrize(
    "route", [route for route in API_ROUTES if route.view.cls.area], ids=lambda route: route.template
)
def test_route_requires_its_scope(route: Route, client_with: Callable[[frozenset[str]], Client]):
    """All scopes but the required one (or the write scope that includes it) get 403."""
    options = {"area": route.view.cls.area, "only_reads": route.view.cls.only_reads, **route.view.initkwargs}
    area, only_reads, address = options["area"], options["only_reads"], route.address(pk=uuid4())
    for method in filter(lambda method: declared_role(route, method), METHODS):
        required = scope(area, writes=method != "GET" and not only_reads)
        others = frozenset(key_scopes()) - {required, scope(area, writes=True)}
        for scopes, is_allowed in ((others, False), (frozenset([required]), True)):
            response = send(client_with(scopes), method, address)
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
