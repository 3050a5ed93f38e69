"""Assistants and teammates in the admin."""

from __future__ import annotations

from django.urls import reverse

from assistants.models import Teammate
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.support.admin_rows import Rows
from workspaces.models import Workspace


def test_choices_are_limited_to_the_tenant(rows: Rows, stranger: Person):
    query = {"app_label": "assistants", "model_name": "assistant", "field_name": "workspace"}
    assert stranger.client.get(reverse("admin:autocomplete"), query).json()["results"] == []
    form = {"workspace": rows[Workspace].pk, "name": "Spy", "instruction": "", "settings_json": "{}"}
    page = stranger.client.post(reverse("admin:assistants_assistant_add"), form)
    assert "workspace" in page.context["adminform"].form.errors


def test_assistant_and_teammate_share_a_workspace(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        elsewhere = Workspace.objects.create(name="Elsewhere")
    form = {"workspace": elsewhere.pk, "teammate": rows[Teammate].pk, "name": "X", "settings_json": "{}"}
    page = owner.client.post(reverse("admin:assistants_assistant_add"), form)
    assert "another workspace" in str(page.context["adminform"].form.errors)
