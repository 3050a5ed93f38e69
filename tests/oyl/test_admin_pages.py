"""Saving, deleting, secrets, choices, and the query counts of lists."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership, User
from tests.conftest import Person, browser, make_member
from tests.support.admin_pages import Model, url
from tests.support.admin_rows import Rows, make_document
from workspaces.models import Workspace


def test_editor_may_delete_content_only(rows: Rows, colleague: Person):
    client = colleague.client
    for model, pk in ((model, row.pk) for model, row in rows.items()):
        allowed = dict.fromkeys(("assistants.Assistant", "knowledge.Reference", "workflows.Workflow"), 200)
        refused = dict.fromkeys(
            ("workspaces.Workspace", "workspaces.IntegrationConfig", "tenants.Membership"), 403
        )
        expected = {**allowed, **refused}.get(model._meta.label)
        if expected:
            assert client.get(url(model, "delete", pk)).status_code == expected, model


def test_only_operators_see_users(owner: Person, operator: User):
    assert owner.client.get(url(User, "changelist")).status_code == 403
    assert owner.client.get(url(User, "change", owner.user.pk)).status_code == 403
    client = browser(operator)
    assert owner.user.email in client.get(url(User, "changelist"), {"q": owner.user.email}).content.decode()
    assert client.get(url(User, "change", owner.user.pk)).status_code == 200
    assert client.get(url(User, "add")).status_code == 200


def test_saving_writes_the_audit_log_not_djangos(owner: Person):
    before = LogEntry.objects.count()
    owner.client.post(url(Workspace, "add"), {"name": "Stables", "description": ""})
    with tenant_scope(owner.tenant_id):
        workspace = Workspace.objects.get(name="Stables")
    page = url(Workspace, "change", workspace.pk)
    owner.client.post(page, {"name": "Paddock", "description": ""})
    owner.client.post(url(Workspace, "delete", workspace.pk), {"post": "yes"})
    with tenant_scope(owner.tenant_id):
        assert not Workspace.objects.filter(pk=workspace.pk).exists()
        assert Workspace.with_deleted.filter(pk=workspace.pk).exists()
        events = AuditLog.objects.filter(object_id=workspace.pk).order_by("created_at")
        assert [event.action for event in events] == [
            "workspace.created",
            "workspace.changed",
            "workspace.deleted",
        ]
        assert events[1].payload_json["old"] == {"name": "Stables"}
        assert events[1].payload_json["new"] == {"name": "Paddock"}
    assert LogEntry.objects.count() == before


def test_duplicate_name_is_a_form_error(owner: Person, rows: Rows):
    page = owner.client.post(url(Workspace, "add"), {"name": "Zebra workspace", "description": ""})
    assert page.status_code == 200
    assert page.context["adminform"].form.errors


def test_history_page_shows_audit_events(owner: Person, rows: Rows):
    row = rows[Workspace]
    owner.client.post(url(Workspace, "change", row.pk), {"name": "Zebra house", "description": ""})
    page = owner.client.get(url(Workspace, "history", row.pk)).content.decode()
    assert f"{owner.user.email} changed the workspace Zebra house" in page


@pytest.mark.parametrize(
    "label", ["knowledge.Document", "knowledge.Chunk", "tenants.Membership", "knowledge.Tag"]
)
def test_query_count_does_not_grow_with_rows(label: str, owner: Person, rows: Rows):
    model = apps.get_model(label)
    before = _count_queries(owner, model)
    with tenant_scope(owner.tenant_id):
        for number in range(12):
            _copy(model, rows[model], number)
    make_member(owner.tenant_id, Role.EDITOR)
    assert _count_queries(owner, model) <= before


def _copy(model: Model, row: models.Model, number: int) -> None:
    if model._meta.label == "knowledge.Document":
        make_document(row.reference, f"zebra-{number}.txt", status="processing")  # type: ignore[attr-defined]
    elif model is not Membership:
        unique: dict[str, dict[str, object]] = {
            "knowledge.Chunk": {"position": 1 + number},
            "knowledge.Tag": {"tag": f"Zebra {number}"},
        }
        row.pk = uuid4()
        row._state.adding = True
        for name, value in unique[model._meta.label].items():
            setattr(row, name, value)
        row.save(force_insert=True)


def _count_queries(owner: Person, model: Model) -> int:
    client = owner.client
    client.get(url(model, "changelist"))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url(model, "changelist")).status_code == 200
    return len(queries)
