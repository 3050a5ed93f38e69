"""The command, the API and the admin change a reference's embedding model, say how far that is, and roll it back."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditLog
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from knowledge.models import Reembedding, Reference
from knowledge.services.reembedding import roll_back_reembedding
from tests.conftest import Person
from tests.engines.embedding_endpoint import Endpoint
from tests.knowledge.libraries import BEES, Library
from tests.knowledge.reembeddings import BUILT_IN, REMOTE, reembedding, reference_of, work_all
from tests.support.admin_pages import url
from tests.support.api_client import make_caller


def reembed(library: Library, *arguments: str) -> dict[str, Any]:
    output = StringIO()
    call_command(
        "reembed",
        str(library.reference.pk),
        "--tenant",
        library.tenant_id,
        "--json",
        *arguments,
        stdout=output,
    )
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


def text_of_command(library: Library) -> str:
    output = StringIO()
    call_command("reembed", library.reference.name, "--tenant", library.tenant_id, stdout=output)
    return output.getvalue()


def test_command_changes_waits_and_rolls_back(endpoint: Endpoint, library: Library):
    library.add("bees.md", BEES)
    assert reembed(library) | {"embedding_model": REMOTE, "stage": "", "is_busy": False} == reembed(library)
    started = reembed(library, "--model", BUILT_IN)
    assert (started["embedding_model"], started["stage"], started["left"]) == (REMOTE, "embed", 1)
    assert f"{REMOTE} answers. 0 of 1 documents have vectors of {BUILT_IN}." in text_of_command(library)
    done = reembed(library, "--wait")
    assert (done["embedding_model"], done["stage"], done["is_busy"]) == (BUILT_IN, "keep", False)
    assert (done["questions"], done["found_before"], done["found_after"]) == (1, 1, 1)
    assert "can be rolled back until" in text_of_command(library)
    assert reembed(library, "--rollback", "--wait")["embedding_model"] == REMOTE
    assert reembed(library, "--model", BUILT_IN, "--wait")["stage"] == "keep"
    assert reembed(library, "--finish", "--wait")["stage"] == ""
    with tenant_scope(library.tenant_id):
        events = AuditLog.objects.filter(action__contains="reembedding").order_by("created_at")
        verbs = [action.rpartition("reembedding_")[2] for action in events.values_list("action", flat=True)]
    assert verbs == ["started", "switched", "rolled_back", "started", "switched", "finished"]


def test_command_says_what_is_wrong(endpoint: Endpoint, library: Library):
    library.add("bees.md", BEES)
    for arguments, message in (
        (["--model", "gpt-9"], "is not configured. Choose one of"),
        (["--rollback"], "is not being changed"),
        (["--accept"], "is not being changed"),
        (["--finish"], "is not being changed"),
    ):
        with pytest.raises(CommandError, match=message):
            reembed(library, *arguments)
    with pytest.raises(CommandError, match="There is no reference 'Nobody'"):
        call_command("reembed", "Nobody", "--tenant", library.tenant_id)
    reembed(library, "--model", BUILT_IN)
    with pytest.raises(CommandError, match="has refused no embedding model"):
        reembed(library, "--accept")


def test_api_changes_shows_and_rolls_back(moving: Library):
    caller, path = make_caller(moving.person), f"references/{moving.reference.pk}/"
    assert caller("get", path).json()["embedding_model"] == "auto"
    assert caller("get", f"{path}reembedding/").json()["to_model"] == BUILT_IN
    assert (
        caller("patch", path, {"embedding_model": REMOTE}).status_code == 200
    )  # the present one: nothing changes
    work_all(moving)
    assert caller("get", path).json()["embedding_model"] == BUILT_IN
    shown = caller("get", f"{path}reembedding/").json()
    assert (shown["stage"], shown["found_after"], shown["left"]) == ("keep", 2, 0)
    assert caller("patch", path, {"embedding_model": ""}).status_code == 409
    assert caller("post", f"{path}reembedding/accept/").status_code == 409
    answer = caller("post", f"{path}reembedding/rollback/")
    assert (answer.status_code, answer.json()["embedding_model"]) == (200, REMOTE)
    work_all(moving)
    assert caller("post", f"{path}reembedding/rollback/").status_code == 409
    caller("patch", path, {"embedding_model": BUILT_IN})
    work_all(moving)
    assert caller("post", f"{path}reembedding/finish/").json()["stage"] == "remove"


def test_model_of_an_empty_reference_changes_at_once(endpoint: Endpoint, library: Library):
    caller, path = make_caller(library.person), f"references/{library.reference.pk}/"
    assert caller("patch", path, {"embedding_model": BUILT_IN}).json()["embedding_model"] == BUILT_IN
    assert caller("get", f"{path}reembedding/").json()["stage"] == ""


def test_viewers_and_other_tenants_are_refused(moving: Library, viewer: Person, stranger: Person):
    path = f"references/{moving.reference.pk}/reembedding/"
    assert make_caller(stranger)("post", f"{path}rollback/").status_code == 404
    assert make_caller(stranger)("get", path).status_code == 404
    with pytest.raises(ForbiddenError):
        roll_back_reembedding(actor=viewer.actor, reference=moving.reference)
    assert reembedding(moving).stage == "embed"


def test_page_of_the_reference_shows_and_decides(moving: Library):
    client, page = moving.person.client, url(Reference, "change", moving.reference.pk)
    content = client.get(page).content.decode()
    assert f"{REMOTE} answers. 0 of 2 documents have vectors of {BUILT_IN}." in content
    assert "Roll back the model" in content and "Accept the model" not in content
    work_all(moving)
    content = client.get(page).content.decode()
    assert f"{BUILT_IN} answers." in content and "Remove old vectors" in content
    address = url(Reference, "changelist") + f"{moving.reference.pk}/rollback/"
    client.post(address, {"_form_submitted": "True"}, headers={"HX-Request": "true"})
    assert reference_of(moving).embedding_model == Reference.AUTO
    with tenant_scope(moving.tenant_id):
        assert Reembedding.objects.get().stage == "remove"
