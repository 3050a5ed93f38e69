"""Publishing an assistant's instruction, its history, and letting a model improve it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from assistants.models import Assistant, Instruction
from assistants.variables import fill
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quota_kinds import QuotaKind
from tests.conftest import Person, make_member
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.support.chat_server import ChatServer, says
from tests.support.model_server import running
from tests.support.quotas import used
from workspaces.models import Workspace


@pytest.fixture
def server(settings: Any) -> Iterator[ChatServer]:
    with running(ChatServer(otherwise=says("You help {{organisation}}.\nBe kind."))) as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_port}"]
        yield server


def make_assistant(caller: Caller, person: Person, text: str = "Help.") -> str:
    with tenant_scope(person.tenant_id):
        workspace = Workspace.objects.create(name="Here")
    made = caller.post("assistants/", {"workspace": str(workspace.pk), "name": "Ada", "instruction": text})
    return str(made.json()["id"])


def write(caller: Caller, pk: str, text: str) -> None:
    assert caller("patch", f"assistants/{pk}/", {"instruction": text}).status_code == 200


def test_published_text_is_sent_and_its_history_is_restored(owner: Person):
    caller = make_caller(owner)
    pk = make_assistant(caller, owner)
    long = "\n".join(f"Rule {number}: be kind and exact." for number in range(100))
    write(caller, pk, f"{long}\nOld end.")
    assert caller.post(f"assistants/{pk}/publish/", {}).json()["system_prompt"].endswith("Old end.")
    write(caller, pk, f"{long}\nNew end.")
    caller.post(f"assistants/{pk}/publish/", {"source": "instruction"})
    versions = caller.get(f"assistants/{pk}/instructions/history/").json()["results"]
    published = [one for one in versions if one["kind"] == "system_prompt"]
    assert [one["action"] for one in published] == ["instruction.published"] * 2
    assert published[0]["changes"][-2:] == ["-Old end.", "+New end."]
    assert published[0]["by"] == owner.user.email
    assert published[1]["text"] == f"{long}\nOld end."
    body = {"event": published[1]["event"], "kind": "system_prompt"}
    newest = caller.post(f"assistants/{pk}/instructions/restore/", body).json()["results"][0]
    assert newest["action"] == "instruction.restored" and newest["text"].endswith("Old end.")
    with tenant_scope(owner.tenant_id):
        assert Instruction.objects.get(assistant=pk).system_prompt == f"{long}\nOld end."


def test_only_texts_of_the_assistant_are_restored(owner: Person, stranger: Person):
    caller, other = make_caller(owner), make_caller(stranger)
    pk, foreign = make_assistant(caller, owner), make_assistant(other, stranger)
    event = other.get(f"assistants/{foreign}/instructions/history/").json()["results"][0]["event"]
    body = {"event": event, "kind": "instruction"}
    assert_problem(caller.post(f"assistants/{pk}/instructions/restore/", body), 404, "not_found")
    for path in ("publish", "improve", "instructions/restore"):
        assert (
            caller.post(f"assistants/{foreign}/{path}/", body if "restore" in path else {}).status_code == 404
        )


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_text_is_not_published(owner: Person, text: str):
    caller = make_caller(owner)
    pk = make_assistant(caller, owner, "Help.")
    with tenant_scope(owner.tenant_id):
        Assistant.objects.filter(pk=pk).update(instruction=text)
    assert_problem(caller.post(f"assistants/{pk}/publish/", {}), 422, "instruction_invalid")


def test_unknown_variables_are_told_when_they_are_saved(owner: Person):
    caller = make_caller(owner)
    pk = make_assistant(caller, owner, "You are {{assistant}} of {{ organisation }}.")
    problem = assert_problem(
        caller("patch", f"assistants/{pk}/", {"instruction": "Hi {{user.password}}"}), 422, "invalid"
    )
    assert problem["errors"][0]["detail"].startswith("There is no variable 'user.password'. Known are: {{a")


def test_variables_are_replaced_once_and_nothing_is_evaluated():
    values = {"assistant": "{{date}} {% now %} \\1", "date": "2026-01-31"}
    assert fill("{{ assistant }} {{x}} {{7*7}} {{date}}", values) == (
        "{{date}} {% now %} \\1 {{x}} {{7*7}} 2026-01-31"
    )


def test_model_improves_and_nothing_is_published_before_somebody_does(owner: Person, server: ChatServer):
    caller = make_caller(owner)
    pk = make_assistant(caller, owner, "Help people.")
    problem = assert_problem(caller.post(f"assistants/{pk}/improve/", {}), 422, "no_chat_model")
    assert problem["detail"].startswith("No chat model is set for this assistant")
    with tenant_scope(owner.tenant_id):
        workspace = Assistant.objects.get(pk=pk).workspace_id
    config = {"url": f"{server.url}/", "api_key": "k", "model": "scripted"}
    form = {"workspace": str(workspace), "name": "Model", "type_enum": "chat_model", "config": config}
    integration = caller.post("integration-configs/", form).json()["id"]
    settings = {"model": {"integration": integration}}
    assert caller("patch", f"assistants/{pk}/", {"settings_json": settings}).status_code == 200
    improved = caller.post(f"assistants/{pk}/improve/", {}).json()
    assert improved["changes"][1:] == ["-Help people.", "+You help {{organisation}}.", "+Be kind."]
    assert server.requests[0]["messages"][1]["content"] == "Help people."
    assert used(owner, QuotaKind.ANSWER_TOKENS) == 2 * 12 + 4, "what the model says that it has used"
    with tenant_scope(owner.tenant_id):
        assert not Instruction.objects.filter(assistant=pk).exists()
    address = reverse("admin:instructions", args=[pk])
    assert "+You help {{organisation}}." in owner.client.get(address).content.decode()
    assert owner.client.post(address, {"do": "ai_instruction"}).status_code == 302
    with tenant_scope(owner.tenant_id):
        published = Instruction.objects.get(assistant=pk).system_prompt
        assert published == "You help {{organisation}}.\nBe kind."


def test_the_page_saves_and_publishes_what_is_written(owner: Person):
    pk = make_assistant(make_caller(owner), owner)
    address = reverse("admin:instructions", args=[pk])
    assert owner.client.post(address, {"do": "save", "instruction": "Be kind.\r\nAlways."}).status_code == 302
    assert "+Be kind." in owner.client.get(address).content.decode()
    refused = owner.client.post(address, {"do": "instruction", "instruction": "Be {{nice}}."})
    assert "Be {{nice}}." in refused.content.decode() and "nice" in refused.content.decode()
    owner.client.post(address, {"do": "instruction", "instruction": "Be brief."})
    with tenant_scope(owner.tenant_id):
        assert Instruction.objects.get(assistant=pk).system_prompt == "Be brief."


def test_viewers_read_the_page_and_publish_nothing(owner: Person, stranger: Person):
    pk = make_assistant(make_caller(owner), owner)
    viewer = make_member(owner.tenant_id, Role.VIEWER).client
    address = reverse("admin:instructions", args=[pk])
    assert b"Publish the instruction" not in viewer.get(address).content
    assert viewer.post(address, {"do": "instruction"}).status_code == 403
    assert stranger.client.get(address).status_code == 404
    assert owner.client.post(address, {"do": "instruction"}).status_code == 302
    with tenant_scope(owner.tenant_id):
        assert Instruction.objects.get(assistant=pk).system_prompt == "Help."
