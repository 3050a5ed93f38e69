"""The number of SQL statements of each list and each object, which does not depend on the number of rows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Conversation, Retention
from core.api.events import EventsRenderer
from core.isolation.scope import tenant_scope
from core.permissions import Role
from oyl.routes import ROUTES, router
from tenants.models import Membership, Tenant
from tests.conftest import Person, make_member, make_owner
from tests.proof.isolation.parties import Model, make_row
from tests.support.api_client import Caller, make_caller

MANY = 20
# The key, BEGIN with the tenant, the rows, COMMIT.
PLAIN = 4
RECORDED = PLAIN + 1  # the event of the reading
# {route: (statements of its list, statements of one object)}
EXPECTED = {
    "tenants": (PLAIN, PLAIN),
    "members": (RECORDED, RECORDED),
    "invitations": (PLAIN, PLAIN),
    "api-keys": (PLAIN, PLAIN),
    "audit-logs": (RECORDED, RECORDED),
    "workspaces": (PLAIN, PLAIN),
    "integration-configs": (PLAIN, PLAIN),
    "data-sources": (PLAIN, PLAIN),
    "model-prices": (PLAIN, PLAIN),
    # One for the assistants of all teammates, for the findings.
    "teammates": (PLAIN + 1, PLAIN + 1),
    "assistants": (PLAIN, PLAIN),
    "instructions": (PLAIN, PLAIN),
    "references": (PLAIN, PLAIN),
    "knowledge-bases": (PLAIN + 2, PLAIN + 2),  # its references, and that of its own documents
    "documents": (PLAIN + 1, PLAIN + 1),  # their tags
    "chunks": (RECORDED, RECORDED),
    "ingestion-jobs": (PLAIN, PLAIN),
    "tags": (PLAIN, PLAIN),
    "tag-links": (PLAIN, PLAIN),
    "tag-rules": (PLAIN, PLAIN),
    "connectors": (PLAIN, PLAIN),
    "connector-runs": (PLAIN, PLAIN),
    "evaluation-sets": (PLAIN, PLAIN),
    "evaluation-cases": (PLAIN, PLAIN),
    "evaluation-runs": (PLAIN, PLAIN),
    "conversations": (PLAIN, PLAIN),
    "messages": (PLAIN, PLAIN),
    "traces": (PLAIN, PLAIN),
    "feedback": (PLAIN, PLAIN),
    "conversation-retention": (PLAIN, PLAIN),
    "workflows": (PLAIN, PLAIN),
    "workflow-steps": (PLAIN, PLAIN),
    "workflow-runs": (PLAIN, PLAIN),
    "triggers": (PLAIN, PLAIN),
    "approvals": (PLAIN, PLAIN),
    "webhooks": (PLAIN, PLAIN),
    "webhook-deliveries": (PLAIN, PLAIN),
    "webhook-attempts": (PLAIN, PLAIN),
    "data-imports": (PLAIN, PLAIN),
    "database-queries": (PLAIN, PLAIN),
}
# There is one for each organisation.
SINGLE = {"tenants", "conversation-retention"}
# Routes without objects: one statement for each kind of rows counted and for the quotas, besides the key and the tenant.
EXPECTED_OTHERS = {
    "usage-list": 22,
    "usage-workspaces": 13,
    "usage-references": 7,
    "me-list": PLAIN + 4,  # the organisation, the key, its quotas, and two for those of the organisation
    # The horizon, documents of a restored database, those that have changed, as they are now, and their tags.
    "documents-changes": PLAIN + 4,
    "workflow-steps-types": PLAIN - 1,  # of the code, not of rows
    "workflows-list-examples": PLAIN - 1,
}


def collections_read() -> set[str]:
    """Return the names of the routes that can be read without an object's id, but for streams."""
    urls: list[Any] = router.urls
    return {
        url.name
        for url in urls
        if "get" in url.callback.actions
        and not url.callback.initkwargs["detail"]
        and EventsRenderer not in url.callback.cls.renderer_classes
    }


def make_rows(person: Person, count: int) -> Caller:
    """Create `count` rows of each model; return a caller with a key of the person."""
    for _ in range(count):
        make_member(person.tenant_id, Role.VIEWER)
        with tenant_scope(person.tenant_id):
            rows: dict[Model, Any] = {Tenant: Tenant.objects.get(), Membership: Membership.objects.first()}
            if retention := Retention.objects.first():
                rows[Retention] = retention
            for model in {view.model for view in ROUTES.values()}:
                make_row(model, person.user, f"zq{uuid4().hex[:10]}", rows)
            Conversation.objects.update(owner=str(person.user.pk))
    return make_caller(person)


@pytest.fixture(scope="module")
def few(database: None) -> Caller:
    return make_rows(make_owner(), 1)


@pytest.fixture(scope="module")
def many(database: None) -> Caller:
    return make_rows(make_owner(), MANY)


def statements(caller: Caller, path: str) -> tuple[int, Any]:
    caller.get("tenants/")  # stores when the key was used, if that is long ago
    with CaptureQueriesContext(connection) as seen:
        answer = caller.get(path)
    assert answer.status_code == 200, answer.content
    return len(seen), answer.json()


def cost(caller: Caller, name: str, *, rows: int) -> tuple[int, int]:
    of_list, page = statements(caller, f"{name}/")
    assert len(page["results"]) >= (1 if name in SINGLE else rows)
    of_one, _ = statements(caller, f"{name}/{page['results'][0]['id']}/")
    return of_list, of_one


@pytest.mark.parametrize("name", EXPECTED)
def test_read_costs_the_expected_statements(name, few, many):
    assert cost(few, name, rows=1) == cost(many, name, rows=MANY) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED_OTHERS)
def test_other_read_costs_the_expected_statements(name, few, many):
    path = reverse(name).removeprefix("/api/v1/")
    assert statements(few, path)[0] == statements(many, path)[0] == EXPECTED_OTHERS[name]


def test_every_route_has_an_expectation():
    assert {*EXPECTED_OTHERS, *(f"{name}-list" for name in EXPECTED)} == collections_read()
