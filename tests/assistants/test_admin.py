"""Assistants and teammates in the admin."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from assistants.models import Assistant, Teammate
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tests.conftest import Person, make_member
from tests.support.admin_rows import Rows
from workspaces.models import IntegrationConfig, Workspace


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


def saved(person: Person, row: Any, **fields: Any) -> Any:
    """The row after its page was sent with the fields as they were shown, but for these; or the errors of the form."""
    address = reverse(f"admin:assistants_{row._meta.model_name}_change", args=[row.pk])
    form = person.client.get(address).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    shown |= {
        f"initial-{name}": shown[name] for name in ("settings_json", "orchestration_config") if name in shown
    }
    shown = {name: value for name, value in shown.items() if value is not None} | fields
    page = person.client.post(address, shown)
    if page.status_code != 302:
        return page.context["adminform"].form.errors
    with tenant_scope(person.tenant_id):
        return type(row).objects.get(pk=row.pk)


@pytest.fixture
def assistant(owner: Person, rows: Rows) -> Assistant:
    with tenant_scope(owner.tenant_id):
        assistant: Assistant = rows[Assistant]
        assistant.settings_json = {"model": {"seed": 7, "temperature": None}, "tone": "formal"}
        assistant.save()
    return assistant


def test_settings_are_written_by_fields(owner: Person, assistant: Assistant):
    fields = {
        "value.greeting": "Hello",
        "value.starter_questions": "One?\n\nTwo?",
        "value.model.temperature": "0.5",
        "value.model.seed": "",
        "value.retrieval.rerank": "false",
        "value.tone": "",
    }
    assert saved(owner, assistant, **fields).settings_json == {
        "model": {"temperature": 0.5},
        "retrieval": {"rerank": False},
        "greeting": "Hello",
        "starter_questions": ["One?", "Two?"],
    }


def test_a_bad_value_is_said_beside_its_field(owner: Person, assistant: Assistant):
    errors = saved(owner, assistant, **{"value.model.temperature": "3", "value.retrieval.passages": "0"})
    assert errors == {
        "value.model.temperature": ["It must be a number from 0 to 2 or null, not 3.0."],
        "value.retrieval.passages": ["It must be a whole number from 1 to 50, not 0."],
    }


def test_json_counts_where_it_was_changed(owner: Person, assistant: Assistant):
    changed = saved(owner, assistant, settings_json='{"length": "short"}', **{"value.greeting": "Hello"})
    assert changed.settings_json == {"length": "short"}
    assert "settings_json" in saved(owner, assistant, settings_json='{"lenght": "short"}')


def test_settings_that_are_not_touched_stay(owner: Person, assistant: Assistant):
    assert saved(owner, assistant).settings_json == assistant.settings_json


def test_choices_are_those_of_the_workspace(owner: Person, assistant: Assistant, rows: Rows):
    with tenant_scope(owner.tenant_id):
        elsewhere = Workspace.objects.create(name="Elsewhere")
        here, there = (
            IntegrationConfig.objects.create(workspace=one, name="Model", type_enum="chat_model")
            for one in (assistant.workspace, elsewhere)
        )
    name = "value.model.integration"
    assert saved(owner, assistant, **{name: str(here.pk)}).settings_json["model"]["integration"] == str(
        here.pk
    )
    for other in (there.pk, uuid4()):
        assert name in saved(owner, assistant, **{name: str(other)})


def test_a_teammate_is_set_up_by_fields(owner: Person, rows: Rows, assistant: Assistant):
    with tenant_scope(owner.tenant_id):
        teammate = Teammate.objects.create(workspace=assistant.workspace, name="Front desk")
    fields = {
        "value.strategy": "priority",
        "value.assistants": [str(assistant.pk)],
        "value.fallback_assistant": str(assistant.pk),
        "value.sticky": "true",
    }
    assert saved(owner, teammate, **fields).orchestration_config == {
        "strategy": "priority",
        "assistants": [str(assistant.pk)],
        "fallback_assistant": str(assistant.pk),
        "sticky": True,
    }
    assert "value.rules" in str(
        saved(owner, teammate, **{"value.strategy": "rules", "value.rules": '[{"x": 1}]'})
    )
    errors = saved(owner, teammate, **{"value.strategy": "", "value.rules": ""})
    assert errors == {"__all__": ["The value lacks 'strategy'."]}


def test_who_only_reads_sees_the_json(owner: Person, assistant: Assistant):
    viewer = make_member(owner.tenant_id, Role.VIEWER)
    page = viewer.client.get(
        reverse("admin:assistants_assistant_change", args=[assistant.pk])
    ).content.decode()
    assert "formal" in page and "Temperature" not in page
