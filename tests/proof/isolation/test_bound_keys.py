"""What a key that is bound to one object can learn of the other objects of its own organisation, and of others'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import models
from django.test import Client

from core.api.filters import FilterBackend
from core.permissions import bound_kinds
from oyl.routes import ROUTES
from tests.proof.isolation.answers import answer, difference
from tests.proof.isolation.described import Operation, operations
from tests.proof.isolation.parties import Model, Party
from tests.support.api_client import make_caller

KINDS = list(bound_kinds())


@pytest.fixture(scope="module")
def bound_clients(intruder: Party) -> dict[str, Client]:
    """For each kind, a client of the intruder whose key is bound to an object with nothing in it."""
    caller = make_caller(intruder.person)
    places = [caller.post("workspaces/", {"name": f"Place {uuid4().hex}"}).json()["id"] for _ in range(2)]
    mine = {"workspace": places[1], "name": f"Empty {uuid4().hex}"}
    empty = {
        "workspace": places[0],
        "reference": caller.post("references/", mine).json()["id"],
        "assistant": caller.post("assistants/", mine).json()["id"],
    }
    keys = {kind: make_caller(intruder.person, bound=(kind, empty[kind])).key for kind in KINDS}
    return {kind: Client(headers={"Authorization": f"Bearer {key.secret}"}) for kind, key in keys.items()}


def relation_filters() -> Iterator[Any]:
    """Each filter of each list that names a relation, with the model of its ids."""
    for route, view in ROUTES.items():
        if not issubclass(view.model, models.Model) or not (
            getattr(view, "filterset_fields", None) or getattr(view, "filterset_class", None)
        ):
            continue
        filters: Any = FilterBackend().get_filterset_class(view, view.model._default_manager.all())
        for name, one in filters.base_filters.items():
            model: Any = view.model
            for step in one.field_name.split("__"):
                field = model._meta.get_field(step)
                model = field.related_model if field.is_relation else None
            if model:
                yield pytest.param(route, name, model, id=f"{route}-{name}")


@pytest.mark.parametrize(("route", "name", "model"), relation_filters())
def test_filter_by_an_id_does_not_tell_whether_it_exists(
    route: str,
    name: str,
    model: Model,
    victim: Party,
    intruder: Party,
    browser: Client,
    bound_clients: dict[str, Client],
    counted: Counter[str],
):
    clients = [browser, *(bound_clients[kind] for kind in KINDS if kind in ROUTES[route].bound_by)]
    for number, client in enumerate(clients):
        ids = [uuid4(), victim.id_of(model), *([intruder.id_of(model)] if number else [])]
        answers = [answer(client.get(f"/api/v1/{route}/", {name: str(pk)}), pk) for pk in ids]
        assert (answers[0].status, '"results":[]' in answers[0].body) == (200, True)
        assert [difference(other, answers[0]) for other in answers[1:]] == [[]] * (len(ids) - 1)
        counted["filters"] += len(ids)


BODY_PLACES = [
    pytest.param(operation, place, id=f"{operation.name}-{'.'.join(place[1:])}")
    for operation in operations()
    for place in operation.places()
    if place[0] == "body"
]


@pytest.mark.parametrize(("operation", "place"), BODY_PLACES)
def test_bound_key_learns_nothing_from_ids_in_bodies(
    operation: Operation,
    place: tuple[str, ...],
    intruder: Party,
    bound_clients: dict[str, Client],
    counted: Counter[str],
):
    """An object of the same organisation to which the key is not bound is answered as an absent one."""
    own, model = operation.own(intruder), operation.model_of(place)
    for client in bound_clients.values():
        hidden, absent = (
            answer(operation.send(client, own.with_id(place, str(pk))), pk)
            for pk in (intruder.id_of(model), uuid4())
        )
        assert difference(hidden, absent) == [], place
        counted["bodies of bound keys"] += 2


def test_filters_by_users_and_bodies_with_ids_are_tried():
    tried = [(param.values[0], param.values[1]) for param in relation_filters()]
    assert {("members", "user"), ("api-keys", "user"), ("documents", "document_tags__tag")} <= set(tried)
    assert len(tried) > 20 and len(BODY_PLACES) > 10
