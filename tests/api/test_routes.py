"""Who may what, for every route and method of both APIs, and that the documentation says so."""

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
from tests.api.conftest import key_of
from tests.conftest import Person, make_member
from tests.proof.isolation.routes import Route, routes

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DOORS = [route for route in routes() if issubclass(getattr(route.view, "cls", object), TenantViewSet)]


def declared(route: Route, method: str) -> Role | None:
    """The least role; None where nobody may."""
    roles = route.view.initkwargs.get("roles", route.view.cls.roles)
    return roles.get(method) if method.lower() in route.view.actions else None


def ask(client: Client, method: str, address: str) -> Any:
    return client.generic(method, address, "{}", content_type="application/json")


@pytest.mark.parametrize("route", DOORS, ids=lambda route: route.template)
def test_every_route_needs_its_role(route: Route, owner: Person):
    """Of every method: one below the declared role is refused; what is not declared is not there."""
    people = [owner, *(make_member(owner.tenant_id, role) for role in Role if role is not Role.OWNER)]
    clients, address = [(one.actor.role, one.client) for one in people], route.address(pk=uuid4())
    for method, (role, client) in product(METHODS, clients):
        needed = declared(route, method)
        allowed = needed is not None and role.rank >= needed.rank
        answered = ask(client, method, address).status_code
        assert (answered not in (403, 405)) == allowed, (method, role, answered)


@pytest.mark.parametrize("route", DOORS, ids=lambda route: route.template)
def test_every_route_needs_its_scope(route: Route, owner: Person):
    """The scopes of all other areas, and of its own area the one that only reads, do not open what writes."""
    view, address = route.view.cls, route.address(pk=uuid4())
    for method in filter(lambda method: declared(route, method), METHODS):
        needed = scope(view.area, writes=method != "GET" and not view.only_reads)
        lacking = [one for one in key_scopes() if one not in (needed, scope(view.area, writes=True))]
        for scopes, opens in ((lacking, False), ([needed], True)):
            client = Client(headers={"Authorization": f"Bearer {key_of(owner, scopes).made.secret}"})
            answer = ask(client, method, address)
            assert (answer.status_code != 403) == opens, (method, scopes)
            assert opens or all(word in answer.content.decode() for word in ("scope_missing", needed))


def test_both_apis_are_looked_at():
    found = {route.template.partition("/")[0] for route in DOORS}
    assert found == {"api", "v1"} and len(DOORS) > 60


def test_scopes_are_the_areas_that_routes_have():
    assert {view.area for view in ROUTES.values()} == {
        area.name for config in oyl_apps() for area in config.areas
    }
