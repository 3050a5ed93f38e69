"""What belongs to a soft-deleted object is listed nowhere, although it stays until it is purged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.utils import timezone

from core.isolation.fields import TenantForeignKey, TenantOneToOneField
from core.isolation.scope import tenant_scope
from core.models import SoftDeleteModel, TenantModel
from core.querysets import alive_above
from oyl.routes import ROUTES
from tests.conftest import Person, make_owner
from tests.support.admin_pages import url
from tests.support.admin_rows import Rows, make_rows
from tests.support.api_client import make_caller

Model = type[Any]


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def rows(owner: Person) -> Rows:
    return make_rows(owner)


def foreign_keys(model: Model) -> dict[str, Model]:
    """To rows that must exist for one of the model."""
    keys = (TenantForeignKey, TenantOneToOneField)
    fields = [field for field in model._meta.concrete_fields if isinstance(field, keys) and not field.null]
    return {field.name: field.related_model for field in fields}


def deletable_parents(model: Model) -> set[Model]:
    """The nearest ones on each way up."""
    found: set[Model] = set()
    for parent in foreign_keys(model).values():
        found |= {parent} if issubclass(parent, SoftDeleteModel) else deletable_parents(parent)
    return found


CASES = [
    (model, parent)
    for model in apps.get_models()
    if issubclass(model, TenantModel)
    for parent in sorted(deletable_parents(model), key=str)
]
LISTED = [
    case
    for case in CASES
    if case[0] in admin.site._registry or case[0] in {view.model for view in ROUTES.values()}
]


@contextmanager
def deleted(owner: Person, row: Any) -> Iterator[None]:
    """Only the row itself: its children stay, as they do until they are purged."""
    for moment in (timezone.now(), None):
        with tenant_scope(owner.tenant_id):
            type(row).with_deleted.filter(pk=row.pk).update(deleted_at=moment)
        if moment:
            yield


def shown(owner: Person, model: Model, pk: object) -> dict[str, bool]:
    """{address: whether it shows the row} of each list and object, by REST and in the admin."""
    caller, client, found = make_caller(owner), owner.client, {}
    for name, view in ROUTES.items():
        if view.model is model and "GET" in view.roles and hasattr(view, "retrieve"):
            found[name] = str(pk) in caller.get(f"{name}/").content.decode()
            found[f"{name}/id"] = caller.get(f"{name}/{pk}/").status_code == 200
    if model in admin.site._registry:
        found["admin"] = str(pk) in client.get(url(model, "changelist")).content.decode()
        found["admin/id"] = client.get(url(model, "change", pk)).status_code == 200
    return found


@pytest.mark.parametrize(("model", "parent"), LISTED, ids=lambda one: one.__name__)
def test_rows_below_a_deleted_object_are_not_listed(model: Model, parent: Model, owner: Person, rows: Rows):
    row = rows[model]
    pk, above = row.pk, {type(one): one for one in (getattr(row, name) for name in foreign_keys(model))}
    before = shown(owner, model, pk)
    assert before and all(before.values()), before
    with deleted(owner, above.get(parent, rows[parent])):
        after = shown(owner, model, pk)
    assert not any(after.values()), after


def test_every_model_below_a_deletable_one_has_the_condition():
    models = {model for model, _ in CASES}
    assert len(models) > 15 and all(alive_above(model) for model in models)
