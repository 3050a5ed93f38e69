"""Every route, requested by the intruder with the victim's ids and words in the address."""

from __future__ import annotations

from collections import Counter
from itertools import product
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from tests.conftest import make_operator, sign_in
from tests.proof.conftest import Size
from tests.proof.isolation.answers import answer, difference
from tests.proof.isolation.parties import Party
from tests.proof.isolation.routes import Route, ids_of, routes
from tests.proof.isolation.sending import METHODS, send
from tests.support.admin_pages import OPERATORS_ONLY
from tests.support.api_client import make_caller

# The parameters of searches; lists use the first one.
WORDS = ("q", "s", "term", "query")
pytestmark = pytest.mark.usefixtures("untouched")
with_ids = pytest.mark.parametrize(
    "route", [route for route in routes() if route.takes_ids], ids=lambda route: route.template
)
without_ids = pytest.mark.parametrize(
    "route", [route for route in routes() if not route.takes_ids], ids=lambda route: route.template
)


@pytest.fixture(scope="module")
def operator(intruder: Party) -> Client:
    """An operator who has entered the intruder's organisation."""
    browser = Client()
    sign_in(browser, make_operator())
    visit = {"tenant": str(intruder.tenant_id), "reason": "A question"}
    assert browser.post(reverse("admin:enter_tenant"), visit).status_code == 302
    return browser


@pytest.fixture(scope="module")
def api_client(intruder: Party) -> Client:
    """A client with a key of the intruder that has all scopes."""
    return Client(headers={"Authorization": f"Bearer {make_caller(intruder.person).key.secret}"})


@with_ids
def test_foreign_id_is_answered_as_absent(
    route: Route,
    victim: Party,
    browser: Client,
    operator: Client,
    api_client: Client,
    size: Size,
    counted: Counter[str],
):
    people = [api_client, browser, operator] if hasattr(route.view, "cls") else [browser, operator]
    for model in route.targets():
        if model in OPERATORS_ONLY:
            continue
        for person, method in product(people[: size(1, 3)], METHODS[: size(2, len(METHODS))]):
            foreign, absent = (
                answer(send(person, method, route.address(model, pk)), pk) for pk in ids_of(model, victim)
            )
            counted["requests"] += 2
            assert difference(foreign, absent) == [], (method, model)
            assert victim.word not in str(foreign)
            assert person is operator or not foreign.mentions(victim)


@without_ids
def test_route_without_ids_reveals_nothing_foreign(
    route: Route, victim: Party, intruder: Party, size: Size, counted: Counter[str]
):
    browser, address = intruder.person.client, route.address()
    parameters = WORDS[:1] if route.model else WORDS
    send(
        browser, "GET", address
    )  # the first reading may be an event, which pages of the audit log show afterwards
    foreign, absent = (
        answer(send(browser, "GET", address, dict.fromkeys(parameters, word)), word)
        for word in (victim.word, uuid4().hex[:12])
    )
    assert difference(foreign, absent) == []
    assert not foreign.mentions(victim)
    for method in METHODS[1 : size(2, len(METHODS))]:
        assert not answer(send(browser, method, address)).mentions(victim)
        sign_in(browser, intruder.person.user)
    counted["requests"] += size(3, 1 + len(METHODS))


def test_foreign_organisation_cannot_be_entered(victim: Party, browser: Client):
    foreign, absent = (
        answer(send(browser, "POST", reverse("admin:switch_tenant"), {"tenant": pk}), pk)
        for pk in (victim.tenant_id, uuid4())
    )
    assert difference(foreign, absent) == []
