"""Every list that people and programs can make longer has a limit, which every entry point passes."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from core.isolation.scope import tenant_scope
from core.limits import Limit, LimitReachedError
from core.models import TenantModel
from jobs.models import LeasedJob
from knowledge.models import (
    FileBatch,
    FileUpload,
    KnowledgeBase,
    KnowledgeBaseReference,
    Reference,
    StoredFile,
    Tag,
    UploadPart,
)
from tenants.models import Invitation, Membership, SavedView
from tests.conftest import Person
from tests.support.admin_pages import url
from tests.support.admin_rows import Rows
from tests.support.api_client import Caller, assert_problem
from workspaces.models import Workspace

MODELS = [model for model in apps.get_models() if issubclass(model, TenantModel)]
# Models without a limit of their own, and why.
UNLIMITED = {
    "core.IdempotencyKey": "is removed after a day",
    "core.QuotaLimit": "one for each quota, set by operators",
    "core.QuotaUse": "counted by OYL, one for each quota and day",
    "core.StoredAmount": "counted by OYL, one for each kind and day",
    "audit.AuditLog": "a history",
    "audit.AuditSeal": "a history",
    "assistants.Instruction": "one for each assistant",
    "assistants.AssistantFailures": "one for each assistant",
    "assistants.TeammateTurns": "one for each teammate",
    "knowledge.ConnectorItem": "the entries of a source, as its documents",
    "knowledge.EvaluationRun": "a history",
    "knowledge.Document": "limited by what is stored, not by a number",
    "knowledge.Chunk": "derived from documents",
    "knowledge.Embedding": "derived from documents",
    "knowledge.TagLink": "derived from documents and tags",
    "conversations.Conversation": "a history",
    "conversations.Message": "a history",
    "conversations.Trace": "one for each answer",
    "conversations.Feedback": "one for each answer or citation, and who rates it",
    "conversations.Retention": "one for each organisation",
    "workspaces.DatabaseQuery": "one for each data source",
    "workflows.WorkflowVersion": "a history",
    "workflows.StepRun": "a history",
    "workflows.RunSignal": "a history",
    "workflows.Approval": "a history",
    "webhooks.WebhookAttempt": "a history",
}


def test_every_list_has_a_limit():
    without = {model._meta.label for model in MODELS if not model.limit and not issubclass(model, LeasedJob)}
    assert without == set(UNLIMITED)


def extra_row(model: type[TenantModel], rows: Rows) -> TenantModel:
    """One of a model that `make_rows` makes none of."""
    upload = FileUpload(filename="zebra.txt", purpose="assistants", size_bytes=1, expires_at=timezone.now())
    if model is UploadPart:
        upload.save()
    made: dict[type[TenantModel], TenantModel] = {
        KnowledgeBaseReference: KnowledgeBaseReference(
            knowledge_base=rows[KnowledgeBase], reference=rows[Reference]
        ),
        StoredFile: StoredFile(filename="zebra.txt", purpose="assistants", size_bytes=1, file_path="zebra"),
        SavedView: SavedView(membership=rows[Membership], list="knowledge.document", name="Zebra"),
        Invitation: Invitation(email="zebra@example.org", expires_at=timezone.now()),
        FileBatch: FileBatch(reference=rows[Reference], file_ids=[]),
        FileUpload: upload,
        UploadPart: UploadPart(upload=upload, size_bytes=1, file_path="zebra"),
    }
    return made[model]


def test_limits_are_documented(settings: Any):
    documented = (settings.BASE_DIR / "docs" / "api.md").read_text()
    for model, limit in ((model, model.limit) for model in MODELS if model.limit):
        parent = limit.parent.rpartition("__")[2].replace("_", " ")
        parent = {"tenant": "organisation", "membership": "member"}.get(parent, parent)
        assert f"| {model._meta.verbose_name_plural} | {parent} | {limit.rows:,} |" in documented


@pytest.mark.parametrize(
    "model", [model for model in MODELS if model.limit], ids=lambda model: model._meta.label
)
def test_new_row_beyond_the_limit_is_refused(
    model: type[TenantModel], rows: Rows, owner: Person, monkeypatch: pytest.MonkeyPatch
):
    assert model.limit
    monkeypatch.setattr(model, "limit", Limit(0, model.limit.parent))
    with tenant_scope(owner.tenant_id):
        row: Any = rows.get(model) or model.objects.first() or extra_row(model, rows)
        if row._state.adding:
            monkeypatch.undo()
            row.save()
            monkeypatch.setattr(model, "limit", Limit(0, str(model.limit and model.limit.parent)))
        row._state.adding = True  # as for a new row, without another one's unique values
        with pytest.raises(LimitReachedError, match="may have at most 0"):
            row.save(force_update=True)


def test_api_and_admin_say_the_limit(
    rows: Rows, owner: Person, caller: Caller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Tag, "limit", Limit(1, "reference"))
    monkeypatch.setattr(Workspace, "limit", Limit(1))
    reference = str(rows[Tag].reference_id)
    problem = assert_problem(
        caller.post("tags/", {"reference": reference, "tag": "More"}), 409, "limit_reached"
    )
    assert problem["detail"].startswith("One reference may have at most 1 tags.")
    assert_problem(caller.post("workspaces/", {"name": "More"}), 409, "limit_reached")
    page = owner.client.post(url(Workspace, "add"), {"name": "More", "description": ""}, follow=True)
    assert "One organisation may have at most 1 workspaces." in page.content.decode()
    with tenant_scope(owner.tenant_id):
        assert (Workspace.objects.count(), Tag.objects.count()) == (1, 1)
