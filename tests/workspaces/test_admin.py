"""Workspaces and integrations in the admin."""

from __future__ import annotations

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.support.admin_pages import url
from tests.support.admin_rows import SECRET, Rows
from workspaces.models import DataSource, IntegrationConfig, Workspace


def test_workspace_with_contents_is_not_deleted(owner: Person, rows: Rows):
    page = owner.client.get(url(Workspace, "delete", rows[Workspace].pk))
    assert "1 reference" in page.content.decode()
    owner.client.post(url(Workspace, "delete", rows[Workspace].pk), {"post": "yes"})
    with tenant_scope(owner.tenant_id):
        assert Workspace.objects.filter(pk=rows[Workspace].pk).exists()


def test_secrets_are_never_shown(owner: Person, rows: Rows):
    config = rows[IntegrationConfig]
    page = url(IntegrationConfig, "change", config.pk)
    form = {"workspace": config.workspace_id, "name": "Zebra model", "type_enum": "chat_model"}
    assert SECRET not in owner.client.get(page).content.decode()
    owner.client.post(page, {**form, "name": "Renamed", "config_encrypted_json": ""})
    assert _secret_of(owner, config)["api_key"] == SECRET
    second = '{"url": "https://example.org/v1", "model": "large", "api_key": "sk-second-secret"}'
    owner.client.post(page, {**form, "config_encrypted_json": second})
    assert _secret_of(owner, config)["api_key"] == "sk-second-secret"
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


def _secret_of(owner: Person, config: IntegrationConfig) -> dict[str, str]:
    with tenant_scope(owner.tenant_id):
        return dict(IntegrationConfig.objects.get(pk=config.pk).config_encrypted_json.decrypt())


def test_name_of_a_sibling_is_refused_on_the_page(owner: Person, rows: Rows):
    """The workspace is read-only there, and belongs to the constraint."""
    with tenant_scope(owner.tenant_id):
        DataSource.objects.create(workspace=rows[Workspace], name="Taken")
    page = owner.client.post(
        url(DataSource, "change", rows[DataSource].pk), {"name": "Taken", "schema_json": "[]"}
    )
    assert "There is one of this name already" in page.content.decode()
