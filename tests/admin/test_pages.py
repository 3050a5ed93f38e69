"""Saving, deleting, secrets, choices, and the query counts of lists."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assistants.models import Teammate
from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership, Tenant, User
from tests.admin.pages import Model, url
from tests.admin.rows import SECRET, Rows, make_document
from tests.conftest import Person, browser, make_member
from workspaces.models import IntegrationConfig, Workspace


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


def test_workspace_with_contents_is_not_deleted(owner: Person, rows: Rows):
    page = owner.client.get(url(Workspace, "delete", rows[Workspace].pk))
    assert "1 reference" in page.content.decode()
    owner.client.post(url(Workspace, "delete", rows[Workspace].pk), {"post": "yes"})
    with tenant_scope(owner.tenant_id):
        assert Workspace.objects.filter(pk=rows[Workspace].pk).exists()


def test_history_page_shows_audit_events(owner: Person, rows: Rows):
    row = rows[Workspace]
    owner.client.post(url(Workspace, "change", row.pk), {"name": "Zebra house", "description": ""})
    page = owner.client.get(url(Workspace, "history", row.pk)).content.decode()
    assert "workspace.changed" in page and "Zebra house" in page and owner.user.email in page


def test_secrets_are_never_shown(owner: Person, rows: Rows):
    config = rows[IntegrationConfig]
    page = url(IntegrationConfig, "change", config.pk)
    form = {"workspace": config.workspace_id, "name": "Zebra model", "type_enum": "chat_model"}
    assert SECRET not in owner.client.get(page).content.decode()
    owner.client.post(page, {**form, "name": "Renamed", "config_encrypted_json": ""})
    assert _secret_of(owner, config) == {"api_key": SECRET}
    owner.client.post(page, {**form, "config_encrypted_json": '{"api_key": "sk-second-secret"}'})
    assert _secret_of(owner, config) == {"api_key": "sk-second-secret"}
    pages = [
        owner.client.get(page_url).content.decode()
        for page_url in (
            page,
            url(IntegrationConfig, "history", config.pk),
            url(IntegrationConfig, "changelist"),
        )
    ]
    assert all("sk-" not in text for text in pages)
    with tenant_scope(owner.tenant_id):
        payloads = str(list(AuditLog.objects.values_list("payload_json", flat=True)))
    assert "config_encrypted_json" in payloads and "sk-" not in payloads


def test_tenant_metadata_is_never_shown(owner: Person):
    page = url(Tenant, "change", owner.tenant_id)
    name = owner.client.get(page).context["adminform"].form.initial["name"]
    owner.client.post(page, {"name": name, "metadata": '{"contract": "sk-contract"}'})
    owner.client.post(page, {"name": f"{name} Ltd", "metadata": ""})
    with tenant_scope(owner.tenant_id):
        tenant = Tenant.objects.get(pk=owner.tenant_id)
        assert tenant.name == f"{name} Ltd"
        assert tenant.metadata_encrypted.decrypt() == {"contract": "sk-contract"}
    for address in (page, url(Tenant, "history", owner.tenant_id)):
        assert "sk-contract" not in owner.client.get(address).content.decode()


def _secret_of(owner: Person, config: IntegrationConfig) -> object:
    with tenant_scope(owner.tenant_id):
        return IntegrationConfig.objects.get(pk=config.pk).config_encrypted_json.decrypt()


def test_choices_are_limited_to_the_tenant(rows: Rows, stranger: Person):
    query = {"app_label": "assistants", "model_name": "assistant", "field_name": "workspace"}
    assert stranger.client.get(reverse("admin:autocomplete"), query).json()["results"] == []
    form = {"workspace": rows[Workspace].pk, "name": "Spy", "instruction": "", "settings_json": "{}"}
    page = stranger.client.post(reverse("admin:assistants_assistant_add"), form)
    assert "workspace" in page.context["adminform"].form.errors


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


def test_assistant_and_teammate_share_a_workspace(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        elsewhere = Workspace.objects.create(name="Elsewhere")
    form = {"workspace": elsewhere.pk, "teammate": rows[Teammate].pk, "name": "X", "settings_json": "{}"}
    page = owner.client.post(reverse("admin:assistants_assistant_add"), form)
    assert "another workspace" in str(page.context["adminform"].form.errors)
