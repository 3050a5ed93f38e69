"""Whoever has reached a limit gets out of it by doing what the error says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from assistants.models import Assistant, Teammate
from core.isolation.scope import tenant_scope
from core.limits import KEPT
from core.models import TenantModel
from core.tasks import delete_ended_rows
from knowledge.models import (
    Connector,
    Document,
    DocumentTag,
    EvaluationCase,
    EvaluationSet,
    FileBatch,
    KnowledgeBase,
    Reference,
    Tag,
    TagRule,
)
from tenants.models import ApiKey, Invitation, Membership
from tests.conftest import PASSWORD, Person
from tests.support.admin_rows import Rows
from tests.support.api_client import Caller
from tests.tenants.links import join_page, link_for
from webhooks.models import WebhookSubscription
from workflows.models import Trigger, Workflow, WorkflowStep
from workspaces.models import DataSource, IntegrationConfig, ModelPrice, Workspace

LIMITED: dict[type[TenantModel], Any] = {
    model: model.limit
    for model in apps.get_models()
    if issubclass(model, TenantModel) and model.limit is not None
}
# Of simple objects: the route, a field with another value for each, the parent, and further fields.
ROUTES: dict[type[TenantModel], tuple[str, str, type[TenantModel] | None, dict[str, Any]]] = {
    Workspace: ("workspaces", "name", None, {}),
    IntegrationConfig: ("integration-configs", "name", Workspace, {"type_enum": "chat_model"}),
    DataSource: ("data-sources", "name", Workspace, {}),
    ModelPrice: (
        "model-prices",
        "model",
        None,
        {"valid_from": "2026-01-01", "prompt_price": "1", "completion_price": "2"},
    ),
    Teammate: ("teammates", "name", Workspace, {}),
    Assistant: ("assistants", "name", Workspace, {}),
    KnowledgeBase: ("knowledge-bases", "name", Assistant, {}),
    Reference: ("references", "name", Workspace, {}),
    Tag: ("tags", "tag", Reference, {}),
    TagRule: ("tag-rules", "pattern", Tag, {"kind": "keyword"}),
    Connector: (
        "connectors",
        "name",
        Reference,
        {"kind": "web", "config_json": {"urls": ["https://example.org/"]}},
    ),
    EvaluationSet: ("evaluation-sets", "name", Workspace, {}),
    EvaluationCase: ("evaluation-cases", "question", EvaluationSet, {}),
    Workflow: ("workflows", "name", Workspace, {}),
    WorkflowStep: ("workflow-steps", "position", Workflow, {}),
    Trigger: ("triggers", "name", Workflow, {"kind": "webhook"}),
    WebhookSubscription: (
        "webhooks",
        "name",
        Workspace,
        {"url": "https://example.org/", "events": ["document.failed"]},
    ),
    Invitation: ("invitations", "email", None, {}),
    ApiKey: ("api-keys", "name", None, {"scopes": ["audit:read"]}),
}


@dataclass
class Doors:
    """Each pair of methods makes one more row, and does what the error says with the row made before."""

    owner: Person
    caller: Caller
    rows: Rows
    uploads: list[Any] = field(default_factory=list)

    def make(self, model: type[TenantModel]) -> Any:
        route, varied, parent, fields = ROUTES[model]
        unique = f"{uuid4().hex}x@example.org"
        parents = (
            {str(parent._meta.verbose_name).replace(" ", "_"): str(self.rows[parent].pk)} if parent else {}
        )
        return self.caller.post(f"{route}/", {**fields, **parents, varied: unique})

    def delete(self, model: type[TenantModel], made: Any) -> Any:
        return self.caller("delete", f"{ROUTES[model][0]}/{made.json()['id']}/")

    @property
    def openai(self) -> Client:
        return Client(headers={"Authorization": f"Bearer {self.caller.key.secret}"})

    def make_workflowstep(self) -> Any:
        fields = {"workflow": str(self.rows[Workflow].pk), "type_enum": "end"}
        position = uuid4().int % 10**9
        return self.caller.post("workflow-steps/", {**fields, "position": position, "key": f"k{position}"})

    def make_membership(self) -> Any:
        form = {"name": "Ada", "new_password": PASSWORD, "repeated_password": PASSWORD}
        return join_page(Client(), link_for(self.owner, f"{uuid4().hex}@example.org"), **form)

    def delete_membership(self, made: Any) -> Any:
        with tenant_scope(self.owner.tenant_id):
            member = Membership.objects.exclude(user=self.owner.user).get()
        return self.caller("delete", f"members/{member.pk}/")

    def make_storedfile(self) -> Any:
        file = SimpleUploadedFile("a.txt", b"Bees")
        return self.openai.post("/v1/files", {"purpose": "assistants", "file": file})

    def delete_storedfile(self, made: Any) -> Any:
        return self.openai.delete(f"/v1/files/{made.json()['id']}")

    def make_filebatch(self) -> Any:
        address = f"/v1/vector_stores/vs_{self.rows[Reference].pk.hex}/file_batches"
        body = {"file_ids": [self.make_storedfile().json()["id"]]}
        return self.openai.post(address, body, content_type="application/json")

    def delete_filebatch(self, made: Any) -> Any:
        """A day goes by."""
        with tenant_scope(self.owner.tenant_id):
            FileBatch.objects.update(created_at=timezone.now() - timedelta(days=1))

    def make_fileupload(self) -> Any:
        body = {"filename": "a.txt", "bytes": 4, "mime_type": "text/plain", "purpose": "assistants"}
        return self.openai.post("/v1/uploads", body, content_type="application/json")

    def delete_fileupload(self, made: Any) -> Any:
        return self.openai.post(f"/v1/uploads/{made.json()['id']}/cancel")

    def make_uploadpart(self) -> Any:
        """To the last upload."""
        if not self.uploads:
            self.uploads.append(self.make_fileupload())
        address = f"/v1/uploads/{self.uploads[-1].json()['id']}/parts"
        return self.openai.post(address, {"data": SimpleUploadedFile("a", b"Bees")})

    def delete_uploadpart(self, made: Any) -> Any:
        return self.delete_fileupload(self.uploads.pop())

    def make_savedview(self) -> Any:
        form = {"list": "knowledge.document", "name": f"View {uuid4().hex}", "query": ""}
        return self.owner.client.post("/admin/views/save/", form, follow=True)

    def delete_savedview(self, made: Any) -> Any:
        view = made.context["saved_views"][0].pk
        form = {"list": "knowledge.document", "view": str(view)}
        return self.owner.client.post("/admin/views/delete/", form, follow=True)

    def make_documenttag(self) -> Any:
        return self._tag("tag", uuid4().hex)

    def delete_documenttag(self, made: Any) -> Any:
        with tenant_scope(self.owner.tenant_id):
            tag = DocumentTag.objects.latest("created_at").tag.tag
        return self._tag("untag", tag)

    def _tag(self, action: str, name: str) -> Any:
        ids = [str(self.rows[Document].pk)]
        return self.caller.post(f"documents/{action}/", {"ids": ids, "tags": [name]})

    def make_knowledgebasereference(self) -> Any:
        made = self.make(Reference).json()["id"]
        return self._read([*self._read_now(), made])

    def delete_knowledgebasereference(self, made: Any) -> Any:
        return self._read(self._read_now()[1:])

    def _read_now(self) -> list[str]:
        base = self.rows[KnowledgeBase].pk
        return list(self.caller.get(f"knowledge-bases/{base}/").json()["references"])

    def _read(self, references: list[str]) -> Any:
        base = self.rows[KnowledgeBase].pk
        return self.caller("patch", f"knowledge-bases/{base}/", {"references": references})


@pytest.mark.parametrize("model", LIMITED, ids=lambda model: model._meta.label)
def test_what_the_error_says_makes_room(
    model: type[TenantModel], owner: Person, caller: Caller, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    doors, name = Doors(owner, caller, rows), model._meta.model_name
    make: Callable[[], Any] = getattr(doors, f"make_{name}", lambda: doors.make(model))
    delete: Callable[[Any], Any] = getattr(doors, f"delete_{name}", lambda made: doors.delete(model, made))
    made = make()
    assert made.status_code < 300, made.content
    with tenant_scope(owner.tenant_id):
        present = LIMITED[model].alive(model._default_manager.all()).count()
    monkeypatch.setattr(model, "limit", replace(LIMITED[model], rows=present))
    refused = make()
    says = f"may have at most {present:,} {model._meta.verbose_name_plural}. {LIMITED[model].remedy}"
    assert says in refused.content.decode(), refused.content
    answer = delete(made)
    assert answer is None or answer.status_code < 300, answer.content
    again = make()
    assert again.status_code < 300 and says not in again.content.decode(), again.content


def test_answer_to_each_creation_says_where_the_object_is(owner: Person, caller: Caller, rows: Rows):
    with_etag = set()
    doors = Doors(owner, caller, rows)
    for model in ROUTES:
        made = doors.make_workflowstep() if model is WorkflowStep else doors.make(model)
        assert made.status_code == 201, made.content
        read = caller.get(made["Location"].removeprefix("/api/v1/"))
        assert read.status_code == 200 and read.json()["id"] == made.json()["id"], model
        if "ETag" in made:
            assert read["ETag"] == made["ETag"], model
            with_etag.add(model)
    assert {*ROUTES} - with_etag == {ApiKey, Invitation, Trigger, WebhookSubscription}


@pytest.mark.parametrize(
    "model", [model for model in LIMITED if LIMITED[model].ends], ids=lambda model: model._meta.label
)
def test_what_has_ended_is_deleted_after_a_time(
    model: type[TenantModel], owner: Person, caller: Caller, rows: Rows
):
    doors = Doors(owner, caller, rows)
    for _ in range(2):
        made: Any = getattr(doors, f"make_{model._meta.model_name}", lambda: doors.make(model))()
        assert made.status_code < 300, made.content
    long_ago = timezone.now() - KEPT - timedelta(days=2)
    with tenant_scope(owner.tenant_id):
        ended = model.objects.order_by("-created_at")[0]
        ends = next(name for name in ("revoked_at", "expires_at", "created_at") if hasattr(model, name))
        model.objects.filter(pk=ended.pk).update(**{ends: long_ago})
        before = set(model.objects.values_list("pk", flat=True))
    delete_ended_rows()
    with tenant_scope(owner.tenant_id):
        assert before - set(model.objects.values_list("pk", flat=True)) == {ended.pk}
