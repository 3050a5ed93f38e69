"""The settings of assistants: what is allowed, what is said of the rest, and what stored rows of before mean."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.urls import reverse

from assistants.models import Assistant
from assistants.settings import AssistantSettings
from core.isolation.scope import tenant_scope
from engines.chat import Sampling
from tests.conftest import Person
from tests.support.api_client import Caller, assert_problem, make_caller
from workspaces.models import IntegrationConfig, Workspace


@pytest.fixture
def workspace(owner: Person) -> Workspace:
    with tenant_scope(owner.tenant_id):
        place: Workspace = Workspace.objects.create(name="Here")
    return place


def create(caller: Caller, workspace: Workspace, settings: Any) -> Any:
    body = {"workspace": str(workspace.pk), "name": f"A {uuid4().hex}", "settings_json": settings}
    return caller.post("assistants/", body)


def make_integration(person: Person, workspace: Workspace, kind: str = "chat_model") -> UUID:
    with tenant_scope(person.tenant_id):
        made = IntegrationConfig.objects.create(workspace=workspace, name=f"I {uuid4().hex}", type_enum=kind)
        pk: UUID = made.pk
    return pk


def test_settings_become_values_with_defaults(owner: Person, workspace: Workspace):
    model, other = make_integration(owner, workspace), make_integration(owner, workspace)
    settings = {
        "model": {
            "integration": str(model),
            "name": "m",
            "temperature": 0.2,
            "stop": ["END"],
            "seed": None,
            "fallback": {"integration": str(other), "name": "n"},
        },
        "retrieval": {"passages": 9, "min_relevance": 0.5},
        "tools": {"names": ["search"]},
        "starter_questions": ["Who?"],
    }
    made = create(make_caller(owner), workspace, settings)
    assert (made.status_code, made.json()["findings"]) == (201, [])
    with tenant_scope(owner.tenant_id):
        found = AssistantSettings.of(Assistant.objects.get(pk=made.json()["id"]))
    assert found == AssistantSettings(
        chat_integration=model,
        chat_model="m",
        sampling=Sampling(temperature=0.2, stop=("END",)),
        fallback_integration=other,
        fallback_model="n",
        passages=9,
        min_relevance=0.5,
        tools=("search",),
        starter_questions=("Who?",),
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ([], "The value must be a JSON object, not []."),
        ({"modle": {}}, "Unknown key 'modle'. Do you mean 'model'? Allowed are: greeting, length, model, "),
        ({"model": {"temprature": 1}}, "Unknown key 'temprature' in 'model'. Do you mean 'temperature'?"),
        ({"model": {"temperature": 3}}, "'model.temperature' must be a number from 0 to 2 or null, not 3."),
        ({"model": {"max_tokens": True}}, "'model.max_tokens' must be a whole number from 1 to "),
        ({"model": {"stop": ["a", 1]}}, "'model.stop.1' must be a text of 1 to 100 characters, not 1."),
        ({"tone": "rude"}, "'tone' must be one of: neutral, friendly, formal, not \"rude\"."),
        ({"retrieval": {"passages": 0}}, "'retrieval.passages' must be a whole number from 1 to 50, not 0."),
        ({"model": {"integration": "x"}}, "'model.integration' must be a text that is an id or null"),
    ],
    ids=str,
)
def test_errors_name_the_path_and_what_is_allowed(
    owner: Person, workspace: Workspace, settings: Any, sentence: str
):
    problem = assert_problem(create(make_caller(owner), workspace, settings), 422, "invalid")
    (error,) = problem["errors"]
    assert error["field"] == "settings_json" and error["detail"].startswith(sentence)
    form = {"workspace": workspace.pk, "name": "A", "settings_json": str(settings).replace("'", '"')}
    page = owner.client.post(reverse("admin:assistants_assistant_add"), form)
    assert page.status_code == 200 and "settings_json" in page.context["adminform"].form.errors


def test_only_chat_models_of_the_workspace_can_be_named_and_others_are_as_absent(
    owner: Person, stranger: Person, workspace: Workspace
):
    with tenant_scope(owner.tenant_id):
        elsewhere = Workspace.objects.create(name="Elsewhere")
    with tenant_scope(stranger.tenant_id):
        foreign = Workspace.objects.create(name="Here")
    absent = [
        uuid4(),
        make_integration(owner, workspace, "webhook"),
        make_integration(owner, elsewhere),
        make_integration(stranger, foreign),
    ]
    answers = set()
    for pk in absent:
        for model in ({"integration": str(pk)}, {"fallback": {"integration": str(pk)}}):
            answer = create(make_caller(owner), workspace, {"model": model})
            problem = assert_problem(answer, 422, "invalid")
            answers.add(str(problem["errors"]).replace(str(pk), "…"))
    assert len(answers) == 1, answers


def test_other_keys_of_rows_of_before_are_ignored_with_a_finding_and_block_nothing(
    owner: Person, workspace: Workspace
):
    old = {"temperature": 1, "tone": "rude", "retrieval": {"passages": 4, "rerank": "no"}, "greeting": "Hi"}
    with tenant_scope(owner.tenant_id):
        row = Assistant.objects.create(workspace=workspace, name="Old", settings_json=old)
        assert AssistantSettings.of(row) == AssistantSettings(passages=4, greeting="Hi")
        broken_ones: tuple[Any, ...] = ([], 7, {"starter_questions": [""] * 20_000})
        for broken in broken_ones:
            assert AssistantSettings.of(Assistant(settings_json=broken)) == AssistantSettings()
    caller = make_caller(owner)
    changed = caller("patch", f"assistants/{row.pk}/", {"name": "New"})
    assert changed.status_code == 200
    assert [one.split("'")[1] for one in changed.json()["findings"]] == [
        "temperature",
        "retrieval.rerank",
        "tone",
    ]
    page = owner.client.get(reverse("admin:assistants_assistant_change", args=[row.pk]))
    assert "Ignored: Unknown key &#x27;temperature&#x27;" in page.content.decode()
