"""A key that is bound to an object opens nothing through what is deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from assistants.instructions import Source, publish_instruction
from assistants.models import Assistant
from audit.models import AuditLog
from core.api.views import TenantViewSet
from core.isolation.scope import tenant_scope
from core.models import SoftDeleteModel
from core.permissions import bound_kinds, key_scopes
from knowledge.models import FileBatch, FileUpload, KnowledgeBase, Reference
from tenants.models import ApiKey
from tests.knowledge.libraries import BEES, make_library
from tests.proof.isolation.parties import Model, Party, make_party
from tests.proof.isolation.routes import Route, routes
from tests.support.admin_pages import url
from tests.support.api_client import make_caller

API_ROUTES = [route for route in routes() if issubclass(getattr(route.view, "cls", object), TenantViewSet)]
PARENTS: dict[str, Model] = {"store": Reference, "batch": FileBatch, "upload": FileUpload}


@pytest.fixture(scope="module")
def party(database: None, tmp_path_factory: pytest.TempPathFactory) -> Party:
    """An organisation in which the row of each table belongs to the rows of all others. The assistant's instruction has a
    history."""
    party = make_party(tmp_path_factory.mktemp("party"))
    assistant = party.rows[Assistant]
    assistant.instruction = f"{party.word} anew"
    publish_instruction(actor=party.person.actor, assistant=assistant, source=Source.INSTRUCTION)
    return party


def models_along(model: Any, lookup: str) -> Iterator[Model]:
    """The models of the rows that a lookup passes through, the first one included."""
    yield model
    for step in lookup.split("__"):
        if step != "pk" and (field := model._meta.get_field(step)).is_relation:
            model = field.related_model
            yield model


def deletable_steps(view: Any, kind: str) -> set[Model]:
    """The models of which a deleted row must hide the view's row: those that each of its lookups passes through."""
    each = [set(models_along(view.model, lookup)) for lookup in view.bound_by[kind]]
    return (
        {model for model in set.intersection(*each) if issubclass(model, SoftDeleteModel)} if each else set()
    )


def cases() -> Iterator[Any]:
    for kind in bound_kinds():
        views = [route.view.cls for route in API_ROUTES if kind in route.view.cls.bound_by]
        for step in sorted({model for view in views for model in deletable_steps(view, kind)}, key=str):
            yield pytest.param(kind, step, id=f"{kind}-{step.__name__}")


@contextmanager
def deleted(party: Party, model: Model) -> Iterator[None]:
    """The party's row is marked as deleted until the block ends, and nothing else is done about it."""
    rows: Any = model
    for moment in (timezone.now(), None):
        with tenant_scope(party.tenant_id):
            rows.with_deleted.filter(pk=party.id_of(model)).update(deleted_at=moment)
        if moment:
            try:
                yield
            except BaseException:
                with tenant_scope(party.tenant_id):
                    rows.with_deleted.filter(pk=party.id_of(model)).update(deleted_at=None)
                raise


# What the first two list is the same for all, and the party's only version is a draft, which is not listed.
WITHOUT_ROWS = {
    "api/v1/workflows/examples/",
    "api/v1/workflow-steps/types/",
    "api/v1/workflows/<pk>/versions/",
}


def address_of(route: Route, party: Party) -> str:
    path = route.template
    for name in route.parameters:
        model = PARENTS.get(name, route.model)
        path = re.sub(rf"<(?:\w+:)?{name}>", str(party.id_of(model)) if model else "nothing", path)
    return f"/{path}"


def shows(client: Client, route: Route, party: Party) -> bool:
    """Whether the route shows or opens the party's row, also if that cannot do what was asked (422). Nothing is changed
    where it does not."""
    answer = client.get(address_of(route, party))
    if answer.status_code != 200 or answer.streaming:
        answer.close()
        assert answer.status_code in (200, 401, 404, 422), (
            route.template,
            answer.status_code,
            answer.content,
        )
        return answer.status_code in (200, 422)
    rows = answer.json().get("results", answer.json().get("data", [{}]))
    return any(
        not row.get("deleted") for row in rows
    )  # of documents that are gone, the feed of changes has the ids


@pytest.mark.parametrize(("kind", "step"), cases())
def test_bound_key_opens_nothing_through_a_deleted_object(kind: str, step: Model, party: Party):
    bound = (kind, party.id_of(apps.get_model(bound_kinds()[kind])))
    secret = make_caller(party.person, key_scopes(), bound=bound).key.secret
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    affected = [
        route
        for route in API_ROUTES
        if kind in route.view.cls.bound_by and step in deletable_steps(route.view.cls, kind)
    ]
    readable = [
        route for route in affected if "get" in route.view.actions and route.template not in WITHOUT_ROWS
    ]
    assert readable and [route.template for route in readable if not shows(client, route, party)] == []
    with deleted(party, step):
        assert [route.template for route in readable if shows(client, route, party)] == []
        for route in filter(lambda route: route.takes_ids, affected):
            for method in {"post", "patch", "delete"} & set(route.view.actions):
                send = getattr(client, method)
                status = send(address_of(route, party), "{}", content_type="application/json").status_code
                assert status in (400, 401, 404, 415), (method, route.template, status)


def test_key_of_an_assistant_ends_with_its_knowledge_base_and_with_itself(owner, tmp_path: Path):
    library, unbound = make_library(owner, tmp_path), make_caller(owner)
    library.add("bees.md", BEES)
    place = {"workspace": str(library.reference.workspace_id), "name": "Mine"}
    assistant = unbound.post("assistants/", place).json()["id"]
    base = unbound.post(
        "knowledge-bases/",
        {"assistant": assistant, "name": "Mine", "references": [str(library.reference.pk)]},
    ).json()["id"]
    bound = make_caller(owner, bound=("assistant", assistant))
    assert bound.post("search/", {"query": "honey bees"}).json()["results"]
    assert unbound("delete", f"knowledge-bases/{base}/").status_code == 204
    assert bound.get("references/").json()["results"] == []
    assert bound.post("search/", {"query": "honey bees"}).json()["results"] == []
    file = SimpleUploadedFile("more.md", b"More.")
    assert bound.upload(reference=library.reference.pk, files=file).status_code == 422
    assert bound("delete", f"references/{library.reference.pk}/").status_code == 404
    found = unbound.post("search/", {"query": "honey bees", "filters": {"knowledge_base": base}})
    assert found.json()["results"] == []
    assert unbound("delete", f"assistants/{assistant}/").status_code == 204
    assert bound.get("references/").status_code == 401


@pytest.mark.parametrize("kind", list(bound_kinds()))
@pytest.mark.parametrize("door", ["api", "admin"])
def test_deletion_revokes_the_keys_of_the_object_with_an_event(kind: str, door: str, owner, tmp_path: Path):
    model: Any = apps.get_model(bound_kinds()[kind])
    pk = object_without_dependents(kind, make_caller(owner))
    bound, other = make_caller(owner, bound=(kind, pk)), make_caller(owner)
    if door == "api":
        assert other("delete", f"{model._meta.verbose_name_plural}/{pk}/").status_code == 204
    else:
        owner.client.post(url(model, "delete", pk), {"post": "yes"})
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.get(pk=bound.key.api_key.pk).revoked_at
        event = AuditLog.objects.get(action="api_key.revoked")
        assert (event.object_id, event.user_id) == (bound.key.api_key.pk, owner.user.pk)
        assert event.payload_json["old"]["bound_id"] == pk and "deleted" in event.payload_json["why"]
        assert not model.objects.filter(pk=pk).exists()
    assert bound.get("workspaces/").status_code == 401 and other.get("workspaces/").status_code == 200


def object_without_dependents(kind: str, caller: Any) -> str:
    workspace = str(caller.post("workspaces/", {"name": "One"}).json()["id"])
    if kind == "workspace":
        return workspace
    return str(caller.post(f"{kind}s/", {"workspace": workspace, "name": "Mine"}).json()["id"])


def test_deleted_knowledge_base_is_read_by_no_search(owner, tmp_path: Path):
    library = make_library(owner, tmp_path)
    library.add("bees.md", BEES)
    caller = make_caller(owner)
    place = {"workspace": str(library.reference.workspace_id), "name": "Mine"}
    assistant = caller.post("assistants/", place).json()["id"]
    body = {"assistant": assistant, "name": "Mine", "references": [str(library.reference.pk)]}
    base = caller.post("knowledge-bases/", body).json()["id"]
    assert library.find("honey bees", knowledge_base=base)
    with tenant_scope(owner.tenant_id):
        KnowledgeBase.objects.filter(pk=base).soft_delete()
    assert library.find("honey bees", knowledge_base=base) == []
