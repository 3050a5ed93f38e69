"""Every type of integration: its form in the admin, its secrets, and what is kept of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from core.isolation.scope import tenant_scope
from core.json_schema import problems
from tests.conftest import Person
from tests.proof.secrets.scenario import CONFIGS, SECRET_FIELDS, URL
from tests.support.admin_pages import url
from tests.support.api_client import Caller, assert_problem
from workspaces.admin.integration_forms import CLEAR, PREFIX
from workspaces.integrations import KINDS
from workspaces.integrations.base import SHOWN
from workspaces.models import IntegrationConfig, IntegrationType, Workspace

KEY = "sk-very-secret"


@pytest.fixture
def workspace(owner: Person) -> Workspace:
    with tenant_scope(owner.tenant_id):
        made: Workspace = Workspace.objects.create(name="Main")
    return made


def config_of(kind: str) -> dict[str, Any]:
    """A complete one, with its secret."""
    name = SECRET_FIELDS.get(IntegrationType(kind), "password")
    return {**CONFIGS.get(IntegrationType(kind), {}), name: f"{URL}/{KEY}" if name == "url" else KEY}


def as_form(workspace: Workspace, kind: str, config: dict[str, Any], **more: str) -> dict[str, Any]:
    fields = {f"{PREFIX}{name}": value for name, value in config.items()}
    return {"workspace": workspace.pk, "name": f"My {kind}", "type_enum": kind, **fields, **more}


def kept(owner: Person, kind: str) -> tuple[IntegrationConfig, dict[str, Any]]:
    with tenant_scope(owner.tenant_id):
        row = IntegrationConfig.objects.get(name=f"My {kind}")
        return row, row.read_config()


def test_every_type_has_its_file():
    assert {*KINDS} == {*IntegrationType.values}
    assert {kind.type: kind.title for kind in KINDS.values()} == dict(IntegrationType.choices)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_says_what_it_is(kind: str):
    for name, schema in KINDS[kind].form["properties"].items():
        assert schema.get("title") or name in ("model",), name
        for example in schema.get("examples", ()):
            assert problems(schema, example) == []


@pytest.mark.parametrize("kind", KINDS)
def test_form_of_a_type_keeps_and_clears_its_secrets(owner: Person, workspace: Workspace, kind: str):
    page = owner.client.get(url(IntegrationConfig, "add") + f"?type_enum={kind}").content.decode()
    names = set(re.findall(rf'name="{PREFIX}([a-z_0-9]+)"', page))
    assert names == set(KINDS[kind].form["properties"])
    config = config_of(kind)
    added = owner.client.post(url(IntegrationConfig, "add"), as_form(workspace, kind, config))
    assert added.status_code == 302, added.content.decode()
    row, stored = kept(owner, kind)
    assert stored == config
    change = url(IntegrationConfig, "change", row.pk)
    page = owner.client.get(change).content.decode()
    assert KEY not in page and all(
        value in page
        for name, value in config.items()
        if not KINDS[kind].form["properties"][name].get("writeOnly")
        or KINDS[kind].form["properties"][name].get(SHOWN)
    )
    secret = SECRET_FIELDS.get(IntegrationType(kind), "password")
    unchanged = {name: value for name, value in config.items() if name != secret}
    assert owner.client.post(change, as_form(workspace, kind, unchanged)).status_code == 302
    assert kept(owner, kind)[1] == config
    if secret not in KINDS[kind].form["required"]:
        cleared = as_form(workspace, kind, unchanged, **{f"{CLEAR}{secret}": "on"})
        assert owner.client.post(change, cleared).status_code == 302
        assert kept(owner, kind)[1] == unchanged


def test_wrong_values_are_told_beside_their_fields(owner: Person, workspace: Workspace):
    form = as_form(workspace, "s3", {"url": f"ftp://{KEY}", "region": "Not A Region"})
    page = owner.client.post(url(IntegrationConfig, "add"), form)
    assert page.status_code == 200
    errors = page.context["adminform"].form.errors
    assert {*errors} == {f"{PREFIX}{name}" for name in ("url", "region", "bucket")}
    assert "as eu-central-1" in str(errors[f"{PREFIX}region"])
    assert KEY not in str(errors)


def test_types_to_choose_from_are_all_there(owner: Person):
    page = owner.client.get(url(IntegrationConfig, "add")).content.decode()
    assert all(f'href="?type_enum={kind}"' in page for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_configuration_of_another_type_is_refused_by_rest(
    owner: Person, caller: Caller, workspace: Workspace, kind: str
):
    form = {"workspace": str(workspace.pk), "name": f"My {kind}", "type_enum": kind}
    assert caller.post("integration-configs/", {**form, "config": config_of(kind)}).status_code == 201
    wrong = {**form, "name": "Wrong", "config": {**config_of(kind), "zebra": KEY}}
    problem = assert_problem(caller.post("integration-configs/", wrong), 422, "invalid")
    assert "Unknown key 'zebra'" in problem["errors"][0]["detail"] and KEY not in json.dumps(problem)
