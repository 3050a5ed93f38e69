"""What each role may do with each model is the same by REST and in the admin, but for the declared differences.

`test_routes.py` and `test_admin_models.py` show that both refuse what they do not allow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory

from core.isolation.scope import tenant_scope
from core.models import TenantModel
from core.permissions import Role
from oyl.routes import ROUTES
from tenants.models import Tenant
from tests.conftest import Person, make_owner
from tests.support.admin_rows import Rows, make_rows

# {action: (method of the API, method of its view, permission in the admin)}
ACTIONS = {
    "list": ("GET", "list", "view"),
    "read": ("GET", "retrieve", "view"),
    "create": ("POST", "create", "add"),
    "change": ("PATCH", "partial_update", "change"),
    "delete": ("DELETE", "destroy", "delete"),
}
READS, CHANGES = ("list", "read"), ("create", "change", "delete")
ONLY_IN_ADMIN, INLINE = "there is no route", "it is part of its parent's page, with the parent's rights"
ON_CHAT_PAGE = "the chat page does it, by the API"
# {(model, action): why the two differ}
DIFFERENCES = {
    **{("core.QuotaLimit", action): ONLY_IN_ADMIN for action in ACTIONS},
    **{("workspaces.DataImport", action): "the page of its data source shows it" for action in READS},
    **{("knowledge.BulkChange", action): ONLY_IN_ADMIN for action in READS},
    **{("webhooks.WebhookAttempt", action): "the page of its delivery shows it" for action in READS},
    **{("knowledge.Embedding", action): ONLY_IN_ADMIN for action in READS},
    **{("knowledge.TagLink", action): INLINE for action in READS},
    **{("knowledge.TagRule", action): INLINE for action in (*READS, *CHANGES)},
    **{("workflows.WorkflowStep", action): INLINE for action in (*READS, *CHANGES)},
    **{("conversations.Conversation", action): ON_CHAT_PAGE for action in CHANGES[1:]},
    **{("conversations.Feedback", action): ON_CHAT_PAGE for action in ("create", "delete")},
    (
        "knowledge.Document",
        "change",
    ): "the page shows what the pipeline has made; the API changes what clients set",
    ("knowledge.Document", "create"): "documents are uploaded, for which the API has a route of its own",
    ("tenants.ApiKey", "delete"): "the API's DELETE revokes a key, for which the page has an action",
    **{
        ("tenants.Membership", action): "the service refuses admins to change owners"
        for action in CHANGES[1:]
    },
    **{
        ("tenants.Tenant", action): "all members see the name, which is also in every page's header"
        for action in READS
    },
}


def is_of_tenants(model: Any) -> bool:
    return issubclass(model, TenantModel | Tenant)


VIEWS = {
    view.model: view
    for name, view in ROUTES.items()
    if hasattr(view, "retrieve") and is_of_tenants(view.model)
}
PAGES = {model: page for model, page in admin.site._registry.items() if is_of_tenants(model)}
MODELS = sorted({*VIEWS, *PAGES}, key=lambda model: model._meta.label)


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def rows(owner: Person) -> Rows:
    return make_rows(owner)


def allowed_by_rest(model: Any, action: str, role: Role) -> bool:
    view, (method, name, _) = VIEWS.get(model), ACTIONS[action]
    if view is None or not hasattr(view, name) or method.lower() not in view.http_method_names:
        return False
    needed = view.roles.get(method)
    return needed is not None and role.rank >= needed.rank


def allowed_in_admin(model: Any, action: str, role: Role, owner: Person, row: Any) -> bool:
    if model not in PAGES:
        return False
    request: Any = RequestFactory().get("/")
    request.actor, request.operator, request.user = replace(owner.actor, role=role), None, owner.user
    permission = getattr(PAGES[model], f"has_{ACTIONS[action][2]}_permission")
    return bool(permission(request) if action in ("list", "create") else permission(request, row))


def differences(owner: Person, rows: Rows) -> Iterator[tuple[str, str]]:
    for model, action in product(MODELS, ACTIONS):
        for role in Role:
            rest = allowed_by_rest(model, action, role)
            if rest != allowed_in_admin(model, action, role, owner, rows[model]):
                yield model._meta.label, action


def test_rights_differ_only_as_declared(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        assert {*differences(owner, rows)} == {*DIFFERENCES}
    assert len(VIEWS) > 15 and len(PAGES) > 15
