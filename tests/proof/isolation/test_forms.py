"""Every form field, filter, action and choice with the victim's ids: the response is that of absent ids."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from core.isolation.scope import tenant_scope
from tests.proof.conftest import Size
from tests.proof.isolation.answers import answer, difference
from tests.proof.isolation.forms import FieldPlace, errors_on, filled_in, places_on
from tests.proof.isolation.parties import Model, Party
from tests.proof.isolation.routes import Route, ids_of, routes
from tests.proof.isolation.sending import CONFIRMED, send
from tests.support.admin_pages import OPERATORS_ONLY, url

MODELS = sorted(set(admin.site._registry) - OPERATORS_ONLY, key=lambda model: model._meta.label)
WITHOUT_FIELDS = ("logout/", "history/", "delete/", "download/")
by_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
pytestmark = pytest.mark.usefixtures("untouched")


def has_fields(route: Route) -> bool:
    """Return whether the route is a page of the admin that may have form fields."""
    is_excluded = "content_type_id" in route.parameters or route.template.endswith(WITHOUT_FIELDS)
    return not (hasattr(route.view, "cls") or route.model in OPERATORS_ONLY or is_excluded)


def id_fields(route: Route) -> dict[str, Model]:
    """Return {field of the REST view's bodies: model whose ids it takes}."""
    serializer = route.view.initkwargs.get("serializer_class", route.view.cls.serializer_class)
    fields = getattr(serializer(), "fields", {}) if serializer else {}
    relations = {
        name: getattr(field, "child_relation", field) for name, field in fields.items() if not field.read_only
    }
    return {name: field.queryset.model for name, field in relations.items() if hasattr(field, "queryset")}


REST_ROUTES = [route for route in routes() if route.model and hasattr(route.view, "cls")]
BODIES = [
    pytest.param(method, route, id=f"{method} {route.template}")
    for route in REST_ROUTES
    for method in ("POST", "PATCH")
    if method.lower() in route.view.actions and id_fields(route)
]


@pytest.mark.parametrize(
    "route", [route for route in routes() if has_fields(route)], ids=lambda route: route.template
)
def test_foreign_id_in_a_form_field_is_refused_as_absent(
    route: Route, browser: Client, victim: Party, intruder: Party, counted: Counter[str]
):
    address = route.address(route.model, intruder.id_of(route.model) if route.model else "")
    page = browser.get(address)
    with tenant_scope(intruder.tenant_id):
        places, data = list(places_on(page)), filled_in(page, intruder)
    methods = ("POST",) if route.model else ("POST", "GET")
    for place in places:
        refused = [_is_refused_as_absent(browser, method, address, data, place, victim) for method in methods]
        counted["ids in fields"] += 2 * len(methods)
        assert any(refused), place


def _is_refused_as_absent(
    browser: Client, method: str, address: str, data: dict[str, Any], place: FieldPlace, victim: Party
) -> bool:
    """Return whether the field has an error, or the request is forbidden. (A page may take its form by another method.)"""
    answers, refused = [], []
    for pk in ids_of(place.model, victim):
        answered = send(browser, method, address, {**data, **place.filled_with(pk)})
        answers.append(answer(answered, pk))
        refused.append(answered.status_code == 403 or place.field in errors_on(answered))
    assert difference(*answers) == [], place
    assert not answers[0].mentions(victim)
    return all(refused)


@pytest.mark.parametrize(("method", "route"), BODIES)
def test_foreign_id_in_a_body_is_refused_as_absent(
    method: str, route: Route, browser: Client, victim: Party, intruder: Party, counted: Counter[str]
):
    assert route.model
    address = route.address(route.model, intruder.id_of(route.model))
    for name, model in id_fields(route).items():
        foreign, absent = (
            answer(send(browser, method, address, {name: str(pk)}), pk) for pk in ids_of(model, victim)
        )
        counted["ids in fields"] += 2
        assert foreign.status >= 400
        assert difference(foreign, absent) == []
        assert not foreign.mentions(victim)


@by_model
def test_foreign_id_in_an_action_is_treated_as_absent(
    model: Model, browser: Client, victim: Party, counted: Counter[str]
):
    page = browser.get(url(model, "changelist"))
    form = page.context.get("action_form")
    for action in [name for name, _ in form.fields["action"].choices if name] if form else []:
        answers = []
        for pk in ids_of(model, victim):
            data = {**CONFIRMED, "action": action, "_selected_action": str(pk), "index": "0"}
            answers.append(answer(send(browser, "POST", url(model, "changelist"), data), pk))
        counted["ids in actions"] += 2
        assert difference(*answers) == [], action
        assert not answers[0].mentions(victim)


@by_model
def test_filters_find_nothing_foreign(
    model: Model, browser: Client, victim: Party, size: Size, counted: Counter[str]
):
    for lookup, foreign, absent in _lookups(model, victim)[: size(1, 1000)]:
        answers = [
            answer(send(browser, "GET", url(model, "changelist"), {lookup: value}), value)
            for value in (foreign, absent)
        ]
        counted["filters"] += 2
        assert difference(*answers) == [], lookup
        assert not answers[0].mentions(victim)


def _lookups(model: Model, victim: Party) -> list[tuple[str, str, str]]:
    """Return (lookup, value of the victim's row, value of no row) for each field, relations first."""
    found = [("id__exact", str(victim.id_of(model)), str(uuid4()))]
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey):
            foreign = str(victim.id_of(field.related_model))
            found.insert(0, (f"{field.name}__id__exact", foreign, str(uuid4())))
            found.append((f"{field.name}__name__startswith", victim.word[:6], "zz" + uuid4().hex[:4]))
        elif field.get_internal_type() in ("CharField", "TextField"):
            found.append((f"{field.name}__startswith", victim.word[:6], "zz" + uuid4().hex[:4]))
    return found


@by_model
def test_choices_offer_nothing_foreign(model: Model, browser: Client, victim: Party, counted: Counter[str]):
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey):
            facts = {
                "app_label": model._meta.app_label,
                "model_name": model._meta.model_name,
                "field_name": field.name,
            }
            for term in ("", victim.word):
                answered = answer(
                    send(browser, "GET", reverse("admin:autocomplete"), {**facts, "term": term})
                )
                counted["choices"] += 1
                assert not answered.mentions(victim)
