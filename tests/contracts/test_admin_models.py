"""Every page of every model, for the owner, a viewer and the owner of another tenant.

Nothing here writes, so that all tests share one tenant.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils.text import capfirst

from core.permissions import Role
from oyl.sidebar import navigation, section_of
from tenants.models import Tenant, User
from tests.conftest import Person, browser, make_member, make_owner
from tests.support.admin_pages import OPERATORS_ONLY, Model, url
from tests.support.admin_rows import Rows, make_rows

MODELS = sorted(set(admin.site._registry) - OPERATORS_ONLY, key=lambda model: model._meta.label)
READ_ONLY = {"audit.AuditLog", "assistants.Instruction", "knowledge.Chunk", "knowledge.Embedding"}
READ_ONLY |= {
    "knowledge.BulkChange",
    "knowledge.IngestionJob",
    "knowledge.ConnectorRun",
    "knowledge.EvaluationRun",
    "workflows.WorkflowRun",
    "workflows.Approval",
    "webhooks.WebhookDelivery",
}
READ_ONLY |= {f"conversations.{name}" for name in ("Conversation", "Message", "Trace", "Feedback")}
NOT_ADDED = READ_ONLY | {"tenants.Tenant", "tenants.Membership"}
NOT_DELETED = READ_ONLY | {"tenants.Tenant", "tenants.ApiKey"}
ADMINS_ONLY = {"audit.AuditLog", "tenants.ApiKey", "tenants.Membership", "tenants.Tenant"}
ADMINS_ONLY |= {
    "workspaces.IntegrationConfig",
    "workspaces.ModelPrice",
    "workflows.Trigger",
    "tenants.Invitation",
    "core.QuotaLimit",
    "conversations.Retention",
    "webhooks.WebhookSubscription",
    "webhooks.WebhookDelivery",
}
by_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def viewer(owner: Person) -> Person:
    return make_member(owner.tenant_id, Role.VIEWER)


@pytest.fixture(scope="module")
def stranger(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def rows(owner: Person) -> Rows:
    return make_rows(owner)


@by_model
def test_owner_sees_every_page(model: Model, owner: Person, rows: Rows):
    client, pk, label = owner.client, rows[model].pk, model._meta.label
    assert_same_words(client.get(url(model, "changelist")), model)
    assert client.get(url(model, "change", pk)).status_code == 200
    assert client.get(url(model, "history", pk)).status_code == 200
    assert client.get(url(model, "add")).status_code == (403 if label in NOT_ADDED else 200)
    assert client.get(url(model, "delete", pk)).status_code == (403 if label in NOT_DELETED else 200)


def assert_same_words(response: Any, model: Model) -> None:
    """The sidebar, the breadcrumb and the list's title name the section and the model alike."""
    words = capfirst(str(model._meta.verbose_name_plural))
    lists = {
        item["link"]: (part, item) for part in navigation(response.wsgi_request)[1:] for item in part["items"]
    }
    part, item = lists.get(url(model, "changelist"), ({"title": section_of(model._meta)}, {"title": words}))
    assert response.context["title"] == item["title"] == words
    page = response.content.decode()
    assert f"<title>{words} | OYL</title>" in " ".join(page.split()).replace("<title> ", "<title>")
    crumbs = re.findall(r"tracking-tight[^>]*>\s*([^<]*?)\s*</(?:a|span)", page)
    assert crumbs[:2] == [part["title"], words]


@by_model
def test_lists_can_be_searched_and_filtered(model: Model, owner: Person, rows: Rows):
    page = owner.client.get(url(model, "changelist"), {"q": "zebra"})
    assert page.status_code == 200
    for filters in page.context["cl"].filter_specs:
        for choice in list(filters.choices(page.context["cl"]))[:3]:
            if "query_string" in choice:
                assert owner.client.get(url(model, "changelist") + choice["query_string"]).status_code == 200


@by_model
def test_foreign_object_looks_like_an_absent_one(model: Model, rows: Rows, stranger: Person):
    for page in ("change", "history", "delete"):
        outcomes = []
        for pk in (rows[model].pk, uuid4(), "nonsense"):
            response = stranger.client.get(url(model, page, pk))
            texts = [str(message).replace(str(pk), "ID") for message in get_messages(response.wsgi_request)]
            outcomes.append((response.status_code, response.headers.get("Location"), texts))
        assert outcomes[0] == outcomes[1] == outcomes[2]
        assert outcomes[0][0] in (302, 403)


@by_model
def test_lists_of_another_tenant_do_not_show_it(model: Model, owner: Person, rows: Rows, stranger: Person):
    pk = str(rows[model].pk)
    assert pk in owner.client.get(url(model, "changelist")).content.decode()
    assert pk not in stranger.client.get(url(model, "changelist")).content.decode()


@by_model
def test_viewer_can_read_but_not_write(model: Model, rows: Rows, viewer: Person):
    client, pk, label = viewer.client, rows[model].pk, model._meta.label
    assert client.get(url(model, "changelist")).status_code == (403 if label in ADMINS_ONLY else 200)
    assert client.post(url(model, "add"), {}).status_code == 403
    assert client.post(url(model, "change", pk), {"name": "x"}).status_code == 403
    assert client.post(url(model, "delete", pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", sorted(OPERATORS_ONLY, key=str), ids=lambda model: model._meta.label)
def test_only_operators_see_what_belongs_to_no_tenant(model: Model, owner: Person, operator: User):
    assert browser(operator).get(url(model, "changelist")).status_code == 200
    for client in (owner.client, make_member(owner.tenant_id, Role.ADMIN).client):
        assert client.get(url(model, "changelist")).status_code == 403
        assert client.get(url(model, "add")).status_code == 403
        assert url(model, "changelist") not in client.get(reverse("admin:index")).content.decode()


def test_all_models_are_tested():
    assert Tenant in MODELS and len(MODELS) >= 19


def test_page_for_adding_says_what_is_added(owner: Person):
    page = owner.client.get(reverse("admin:workspaces_workspace_add")).content.decode()
    assert "Add workspace</span>" in page and "addlink" not in page
    page = owner.client.get(reverse("admin:workspaces_workspace_changelist")).content.decode()
    assert "Add workspace</span>" not in page and "addlink" in page
