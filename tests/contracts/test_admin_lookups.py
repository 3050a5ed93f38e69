"""Lists of the admin are filtered only as their pages offer it; and no address of a page fails, whatever its values are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import SuspiciousOperation
from django.db import DataError
from django.db.models import Field
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

from core.isolation.scope import tenant_scope
from knowledge.models import Chunk, Document
from tenants.models import User
from tests.conftest import Person, browser, make_operator, make_owner
from tests.support.admin_pages import OPERATORS_ONLY, Model, url
from tests.support.admin_rows import Rows, make_rows

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
by_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
# Lookups whose time grows with the caller's pattern, as PostgreSQL spells them. The search field offers the last one.
PATTERNS = ("~", "SIMILAR", "LIKE")
# No value of a column, one that PostgreSQL cannot store, one that is too large, and one that is no regular expression.
REFUSALS = (SuspiciousOperation, IncorrectLookupParameters, DataError)
BAD_VALUES = ("((", "\0", "9" * 11, "9" * 5000, "2026-13-45", "\\")


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def rows(owner: Person) -> Rows:
    return make_rows(owner)


@pytest.fixture(scope="module")
def operator(database: None) -> User:
    return make_operator()


def client_for(model: Model, owner: Person, operator: User) -> Client:
    """Failures are answered with 500, as they are in production."""
    client = browser(operator) if model in OPERATORS_ONLY else owner.client
    client.raise_request_exception = False
    return client


def lookups(model: Model) -> Iterator[str]:
    """Each field by itself and with each of its lookups and transforms, and through each relation to the other's fields."""
    for field in model._meta.get_fields():
        yield field.name
        names = field.get_lookups() if isinstance(field, Field) else ()
        others = field.related_model._meta.get_fields() if isinstance(field.related_model, type) else ()
        yield from (f"{field.name}__{name}" for name in [*names, *(other.name for other in others)])


def request_of(model: Model, owner: Person, parameters: dict[str, str]) -> HttpRequest:
    request = RequestFactory().get(url(model, "changelist"), parameters)
    request.user, request.actor, request.operator = owner.user, owner.actor, None  # type: ignore[attr-defined]
    return request


def list_of(model: Model, owner: Person, /, **parameters: str) -> Any:
    return admin.site.get_model_admin(model).get_changelist_instance(request_of(model, owner, parameters))


def offered(model: Model, owner: Person) -> set[str]:
    with tenant_scope(owner.tenant_id):
        return {name for spec in list_of(model, owner).filter_specs for name in spec.expected_parameters()}


@by_model
def test_only_offered_lookups_reach_the_database(model: Model, owner: Person, rows: Rows):
    """Django's list refuses each lookup that the page does not allow."""
    every, request = list(lookups(model)), request_of(model, owner, {})
    page, allowed = admin.site.get_model_admin(model), offered(model, owner)
    with tenant_scope(owner.tenant_id):
        usual = str(list_of(model, owner).queryset.query)
        for lookup in (name for name in every if page.lookup_allowed(name, "1", request)):
            with suppress(SuspiciousOperation, IncorrectLookupParameters):
                found = str(list_of(model, owner, **{lookup: "1"}).queryset.query)
                assert lookup in allowed or found == usual, lookup
                assert lookup.endswith("icontains") or not any(word in found for word in PATTERNS), lookup
    assert len(every) > 40


def test_refused_lookup_is_an_error_of_the_list(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id), pytest.raises(SuspiciousOperation):
        list_of(Document, owner, reference__name="1")


@by_model
def test_filters_refuse_values_or_find_rows(model: Model, owner: Person, rows: Rows):
    """`test_pages_answer_refused_values` shows how these errors are answered."""
    names = {*offered(model, owner), "_facets"}
    for name in sorted(names):
        for value in BAD_VALUES:
            with suppress(*REFUSALS), tenant_scope(owner.tenant_id):
                list(list_of(model, owner, **{name: value}).result_list)
    assert names


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"q": "\0"}, 200),
        ({"p": "9" * 30}, 200),
        ({"o": "((.99"}, 200),
        ({"processed_status__exact": "\0"}, 400),
        ({"_to_field": "text"}, 400),
        ({"text__regex": "(("}, 400),
        ({"created_at__year": "9" * 11}, 400),
        ({"id__exact": "(("}, 400),
        ({"reference__id__exact": "(("}, 302),
    ],
    ids=str,
)
def test_page_answers_refused_values(parameters: dict[str, str], status: int, owner: Person, rows: Rows):
    client = owner.client
    client.raise_request_exception = False
    assert client.get(url(Document, "changelist"), parameters).status_code == status


@by_model
def test_initial_values_of_forms_never_fail(model: Model, owner: Person, operator: User, rows: Rows):
    client = client_for(model, owner, operator)
    for value in BAD_VALUES:
        values = "&".join(f"{field.name}={quote(value)}" for field in model._meta.get_fields())
        assert client.get(f"{url(model, 'add')}?{values}").status_code in (200, 400, 403), value[:20]


def test_choices_of_related_objects_never_fail(owner: Person, rows: Rows):
    client = owner.client
    client.raise_request_exception = False
    field = {"app_label": "knowledge", "model_name": "document", "field_name": "reference"}
    for name in ("term", "page", *field):
        for value in BAD_VALUES:
            response = client.get(reverse("admin:autocomplete"), {**field, name: value})
            assert response.status_code in (200, 400, 403, 404), (name, value[:20])


def test_viewer_cannot_choose_a_regular_expression(owner: Person, viewer: Person, rows: Rows):
    pattern = r"(\.+)(\.+)(\.+)(\.+)\4\3\2\1z"
    assert viewer.client.get(url(Chunk, "changelist"), {"text__regex": pattern}).status_code == 400
