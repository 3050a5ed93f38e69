"""The assistants that a teammate's configuration names, and every other JSON value that people and programs write."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections, models
from django.test import Client
from django.urls import reverse

from assistants.models import Assistant, Teammate
from core.isolation.scope import tenant_scope
from core.permissions import Role
from oyl.routes import ROUTES
from tests.conftest import Person, make_member
from tests.support.api_client import Caller, assert_problem, make_caller
from workspaces.models import Workspace

# JSON of users: OYL takes no id from it.
FREE = {
    "triggers.config_json",  # compared with what has happened in the tenant
    "connectors.config_json",
    "data_sources.schema_json",
    "documents.metadata_json",
    "integration_configs.config_encrypted_json",
    "workflow_steps.config_json",
    "workflow_steps.on_error_json",
    "workflows.input_schema_json",
    "workflows.output_schema_json",
    "webhook_subscriptions.events_json",
}
READ_ONLY = {
    "audit_logs.payload_json",
    "data_sources.profile_json",
    "data_imports.options_json",
    "data_imports.recognised_json",
    "data_imports.errors_json",
    "data_imports.warnings_json",
    "documents.file_metadata_json",
    "documents.warnings",
    "messages.citations_json",
    "messages.tables_json",
    "messages.sentences_json",
    "evaluation_runs.ranks_json",
    "traces.stages_json",
    "approvals.shown_json",
    "approvals.user_ids_json",
    "workflow_runs.input_json",
    "workflow_runs.item_json",
    "workflow_runs.output_json",
    "webhook_deliveries.data_json",
    "webhook_attempts.request_headers_json",
    "webhook_attempts.response_headers_json",
}
RESOLVED = {"evaluation_cases.expected_json", "assistants.settings_json", "teammates.orchestration_config"}


def make_assistant(person: Person, workspace: str) -> tuple[Workspace, Assistant]:
    with tenant_scope(person.tenant_id):
        place = Workspace.objects.create(name=workspace)
        return place, Assistant.objects.create(workspace=place, name="Zoe")


def config(*ids: Any, fallback: Any = None) -> dict[str, Any]:
    return {"strategy": "priority", "assistants": [str(pk) for pk in ids], "fallback_assistant": fallback}


def create(caller: Caller | Client, workspace: Workspace, orchestration: Any) -> Any:
    """With a key, or by the session of a person."""
    body = {"workspace": str(workspace.pk), "name": f"T {uuid4().hex}", "orchestration_config": orchestration}
    if isinstance(caller, Client):
        return caller.post("/api/v1/teammates/", body, content_type="application/json")
    return caller.post("teammates/", body)


def test_only_assistants_of_the_workspace_can_be_named_and_others_are_as_absent(
    owner: Person, stranger: Person
):
    here, mine = make_assistant(owner, "Here")
    _, elsewhere = make_assistant(owner, "Elsewhere")
    _, foreign = make_assistant(stranger, "Here")
    with tenant_scope(owner.tenant_id):
        deleted = Assistant.objects.create(workspace=here, name="Gone")
        Assistant.objects.filter(pk=deleted.pk).soft_delete()
    editor = make_member(owner.tenant_id, Role.EDITOR).client
    bound = make_caller(owner, bound=("workspace", here.pk))
    for caller in (make_caller(owner), editor, bound):
        assert create(caller, here, config(mine.pk, fallback=str(mine.pk))).status_code == 201
        answers = set()
        for pk in (uuid4(), elsewhere.pk, foreign.pk, deleted.pk):
            for orchestration in (config(mine.pk, pk), config(fallback=str(pk))):
                answer = create(caller, here, orchestration)
                problem = assert_problem(answer, 422, "invalid")
                answers.add(json.dumps(problem["errors"]).replace(str(pk), "…"))
        assert len(answers) == 1, answers
    with tenant_scope(owner.tenant_id):
        assert Teammate.objects.count() == 3


@pytest.mark.parametrize("wrong", [{"fallback_assistant": ""}, {"fallback_assistant": 0}, {"model": 7}])
def test_values_outside_of_the_schema_are_refused(owner: Person, wrong: dict[str, Any]):
    here, mine = make_assistant(owner, "Here")
    assert_problem(create(make_caller(owner), here, {**config(mine.pk), **wrong}), 422, "invalid")


def test_the_page_of_the_admin_refuses_the_same(owner: Person, stranger: Person):
    here, mine = make_assistant(owner, "Here")
    _, foreign = make_assistant(stranger, "Here")
    address = reverse("admin:assistants_teammate_add")
    form = {"workspace": here.pk, "name": "T"}
    for pk in (foreign.pk, uuid4()):
        page = owner.client.post(address, {**form, "orchestration_config": json.dumps(config(pk))})
        errors = page.context["adminform"].form.errors["orchestration_config"]
        assert errors == [f"There is no assistant '{pk}' in this workspace."]
    answer = owner.client.post(address, {**form, "orchestration_config": json.dumps(config(mine.pk))})
    assert answer.status_code == 302


def test_deleted_assistant_does_not_block_other_changes(owner: Person):
    here, mine = make_assistant(owner, "Here")
    caller = make_caller(owner)
    made = create(caller, here, config(mine.pk)).json()
    with tenant_scope(owner.tenant_id):
        Assistant.objects.filter(pk=mine.pk).soft_delete()
    assert caller("patch", f"teammates/{made['id']}/", {"name": "New"}).status_code == 200
    changed = caller("patch", f"teammates/{made['id']}/", {"orchestration_config": config(mine.pk, uuid4())})
    assert changed.status_code == 422


@pytest.mark.parametrize(
    "broken",
    [[], {"strategy": "x"}, {**config(), "assistants": "x"}, config("x"), {**config(), "more": 1}],
    ids=str,
)
def test_invalid_configuration_is_refused(owner: Person, broken: Any):
    here, _ = make_assistant(owner, "Here")
    assert create(make_caller(owner), here, broken).status_code == 422


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"strategy": "rond_robin"},
            "'strategy' must be one of: round_robin, priority, rules, similarity, llm",
        ),
        ({"startegy": "llm"}, "Unknown key 'startegy'. Do you mean 'strategy'? Allowed are: "),
        ({"strategy": "rules"}, "The value lacks 'rules'."),
        ({"rules": [{"keywords": ["x"]}]}, "'rules.0' lacks 'assistant'."),
        (
            {"rules": [{"assistant": str(UUID(int=1)), "regex": "(?=x)"}]},
            "'rules.0.regex' must be a text that is a ",
        ),
        ({"weights": {str(UUID(int=1)): -1}}, "'weights."),
        ({"model": "gpt"}, "'model' must be a JSON object or null, not \"gpt\"."),
        ({"cooldown": {"failures": 0}}, "'cooldown.failures' must be a whole number from 1 to 100, not 0."),
    ],
    ids=str,
)
def test_errors_name_the_path_and_what_is_allowed(owner: Person, wrong: dict[str, Any], sentence: str):
    here, mine = make_assistant(owner, "Here")
    problem = assert_problem(create(make_caller(owner), here, {**config(mine.pk), **wrong}), 422, "invalid")
    details = [error["detail"] for error in problem["errors"]]
    assert any(detail.startswith(sentence) for detail in details), details
    assert {error["field"] for error in problem["errors"]} == {"orchestration_config"}


def test_deleted_and_suspended_assistants_are_findings(owner: Person):
    here, mine = make_assistant(owner, "Here")
    with tenant_scope(owner.tenant_id):
        other = Assistant.objects.create(workspace=here, name="Ada")
    caller = make_caller(owner)
    made = create(caller, here, config(mine.pk, other.pk)).json()
    assert made["findings"] == []
    with tenant_scope(owner.tenant_id):
        Assistant.objects.filter(pk=mine.pk).soft_delete()
        Assistant.objects.filter(pk=other.pk).update(is_suspended=True)
    assert caller.get(f"teammates/{made['id']}/").json()["findings"] == [
        f"The assistant 'Zoe' ({mine.pk}) is deleted: it is passed over.",
        f"The assistant 'Ada' ({other.pk}) is suspended: it is passed over.",
        "No assistant of this teammate can answer. Add one, or resume one.",
    ]
    page = owner.client.get(reverse("admin:assistants_teammate_change", args=[made["id"]]))
    assert "is suspended: it is passed over." in page.content.decode()


def test_every_json_field_of_a_route_is_resolved_or_free():
    shown = {(view.model, name) for view in ROUTES.values() for name in _columns(view)}
    found = {
        f"{model._meta.db_table}.{field.name}"
        for model, name in shown
        for field in model._meta.concrete_fields
        if field.name == name and isinstance(field, models.JSONField)
    }
    assert found == FREE | READ_ONLY | RESOLVED


def _columns(view: Any) -> set[str]:
    serializer = getattr(view, "serializer_class", None)
    model = getattr(view, "model", None)
    if serializer is None or not (isinstance(model, type) and issubclass(model, models.Model)):
        return set()
    return {field.source for field in serializer().fields.values() if hasattr(field, "source")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"strategy": "single", "model": "m"}, {"strategy": "priority", "model": {"name": "m"}}),
        ({"strategy": "best_match", "model": None}, {"strategy": "similarity", "model": None}),
        ({"strategy": "round_robin"}, {"strategy": "round_robin"}),
        (None, None),
    ],
    ids=str,
)
def test_configurations_of_before_are_migrated(owner: Person, before: Any, after: Any):
    here, _ = make_assistant(owner, "Here")
    with tenant_scope(owner.tenant_id):
        team = Teammate.objects.create(workspace=here, name="Old", orchestration_config=before)
    rename: str = import_module("assistants.migrations.0003_strategies").RENAME
    with connections["owner"].cursor() as cursor:
        cursor.execute(rename)
    with tenant_scope(owner.tenant_id):
        team.refresh_from_db()
    assert team.orchestration_config == after
    assert make_caller(owner).get(f"teammates/{team.pk}/").json()["findings"] == [
        "No assistant of this teammate can answer. Add one, or resume one."
    ]
