"""One object of every model that the admin shows."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone

from assistants.models import Assistant, Instruction, Teammate
from audit.models import AuditLog
from conversations.models import Conversation, Feedback, Message, MessageRole, Retention, Trace
from core.isolation.scope import tenant_scope
from core.models import QuotaLimit
from engines.tables import ReadOptions
from jobs.states import JobState
from knowledge.models import (
    BulkChange,
    Chunk,
    Connector,
    ConnectorRun,
    Document,
    DocumentStatus,
    DocumentTag,
    Embedding,
    EvaluationCase,
    EvaluationRun,
    EvaluationSet,
    IngestionJob,
    KnowledgeBase,
    Reference,
    Tag,
    TagLink,
    TagRule,
    TagSource,
)
from tenants.models import ApiKey, Invitation, Membership, Tenant
from tests.conftest import Person
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookSubscription
from workflows.definition import draft_of
from workflows.models import Approval, StepRun, Trigger, Workflow, WorkflowRun, WorkflowStep
from workflows.services.publishing import add_version
from workspaces.data_sources.files import UPLOADS
from workspaces.models import DatabaseQuery, DataImport, DataSource, IntegrationConfig, ModelPrice, Workspace

SECRET = "sk-this-must-never-be-shown"
Rows = dict[type[models.Model], Any]


def make_rows(owner: Person) -> Rows:
    """In the owner's tenant; each is named "Zebra …", to be recognised on pages."""
    with tenant_scope(owner.tenant_id):
        workspace = Workspace.objects.create(name="Zebra workspace")
        instances = [
            workspace,
            IntegrationConfig.objects.create(
                workspace=workspace,
                name="Zebra model",
                type_enum="chat_model",
                config_encrypted_json={"url": "https://example.org/v1", "model": "large", "api_key": SECRET},
            ),
            *_tables(workspace),
            ModelPrice.objects.create(
                model="zebra", valid_from=date(2026, 1, 1), prompt_price=1, completion_price=2
            ),
            *_assistants(workspace),
            *_knowledge(workspace),
            *_conversation(owner, workspace),
            *_workflow(workspace),
            *_webhook(workspace),
            *_tenant(owner),
        ]
    return {type(row): row for row in instances}


def _tables(workspace: Workspace) -> list[models.Model]:
    """A data source whose import waits for its start."""
    source = DataSource.objects.create(workspace=workspace, name="Zebra table")
    path = UPLOADS.save(ContentFile(b"zebra,stripes\nZebra,80\n"), source.tenant_id, source.pk, "zebra.csv")
    options = asdict(ReadOptions(format="csv", encoding="utf-8", delimiter=",", has_header=True))
    columns = [{"name": "zebra", "type": "text"}, {"name": "stripes", "type": "integer"}]
    waiting = DataImport.objects.create(
        data_source=source,
        filename="zebra.csv",
        source_path=path,
        recognised_json={"options": options, "columns": columns, "sheets": [], "rows": [["Zebra", 80]]},
        state=JobState.WAITING,
        available_at=None,
    )
    config = {"engine": "mysql", "host": "db.example.org", "database": "zebra", "username": "zebra"}
    database = IntegrationConfig.objects.create(
        workspace=workspace, name="Zebra database", type_enum="database", config_encrypted_json=config
    )
    query = DatabaseQuery.objects.create(data_source=source, integration=database, sql="SELECT 'zebra'")
    return [source, waiting, query]


def _assistants(workspace: Workspace) -> list[models.Model]:
    assistant = Assistant.objects.create(
        workspace=workspace, name="Zebra assistant", instruction="Answer as a zebra would."
    )
    teammate = Teammate.objects.create(workspace=workspace, name="Zebra teammate")
    Assistant.objects.create(workspace=workspace, name="Zebra helper", teammate=teammate)
    return [
        teammate,
        assistant,
        Instruction.objects.create(assistant=assistant, system_prompt="Answer as a zebra would."),
        KnowledgeBase.objects.create(assistant=assistant, name="Zebra knowledge"),
    ]


def _conversation(owner: Person, workspace: Workspace) -> list[models.Model]:
    guide = Assistant.objects.create(workspace=workspace, name="Zebra guide")
    conversation = Conversation.objects.create(
        workspace=workspace, assistant=guide, owner=str(owner.user.pk), title="Zebra question"
    )
    question = Message.objects.create(
        conversation=conversation, role=MessageRole.USER, text="Why do zebras have stripes?"
    )
    answer = Message.objects.create(
        conversation=conversation, parent=question, role=MessageRole.ASSISTANT, text="Zebras have stripes."
    )
    return [
        conversation,
        answer,
        Trace.objects.create(message=answer, stages_json=[]),
        Feedback.objects.create(message=answer, rating="up", owner=str(owner.user.pk)),
        Retention.objects.create(days=365),
    ]


def _knowledge(workspace: Workspace) -> list[models.Model]:
    reference = Reference.objects.create(workspace=workspace, name="Zebra library")
    document = make_document(reference, "zebra.txt", status=DocumentStatus.DONE)
    chunk = Chunk.objects.create(
        document=document,
        generation=1,
        position=0,
        text="Zebras have stripes.",
        content_sha256="0" * 64,
        start=0,
        end=20,
        token_count=4,
    )
    tag = Tag.objects.create(reference=reference, tag="Zebra tag")
    rule = TagRule.objects.create(tag=tag, kind="keyword", pattern="zebra")
    DocumentTag.objects.create(document=document, tag=tag)
    link = TagLink.objects.create(chunk=chunk, tag=tag, source=TagSource.MANUAL)
    vector = Embedding.objects.create(chunk=chunk, model="zebra-model", vector_ref=f"zebra/{chunk.pk}")
    job = IngestionJob.objects.create(
        document=document, generation=1, state="done", available_at=timezone.now()
    )
    change = BulkChange.objects.create(
        kind="tag", arguments_json={"tags": ["zebra"]}, total=1, state="done", available_at=timezone.now()
    )
    site = _connector(reference)
    return [reference, document, chunk, tag, rule, link, vector, job, change, *_evaluation(workspace), *site]


def _connector(reference: Reference) -> list[models.Model]:
    config = {"urls": ["https://zebra.example.org/"]}
    made = Connector.objects.create(reference=reference, name="Zebra site", kind="web", config_json=config)
    run = ConnectorRun.objects.create(connector=made, state="done", available_at=timezone.now())
    return [made, run]


def _evaluation(workspace: Workspace) -> list[models.Model]:
    found = EvaluationSet.objects.create(workspace=workspace, name="Zebra questions")
    case = EvaluationCase.objects.create(evaluation_set=found, question="Why do zebras have stripes?")
    run = EvaluationRun.objects.create(evaluation_set=found, cases=1, ndcg=1.0, recall=1.0, hit_rate=1.0)
    return [found, case, run]


def make_document(reference: Reference, name: str, status: str = "pending", error: str = "") -> Document:
    """Inside a scope: a row without a file."""
    document: Document = Document.objects.create(
        reference=reference,
        external_id=name,
        filename=name,
        file_path=f"missing/{name}",
        mime_type="text/plain",
        size_bytes=2048,
        sha256="0" * 64,
        processed_status=status,
        generation=1 if status == DocumentStatus.DONE else 0,
        text="Zebras have stripes." if status == DocumentStatus.DONE else "",
        error_code="file_missing" if error else "",
        error_detail=error,
    )
    return document


def _workflow(workspace: Workspace) -> list[models.Model]:
    workflow = Workflow.objects.create(workspace=workspace, name="Zebra workflow")
    step = WorkflowStep.objects.create(
        workflow=workflow,
        position=1,
        key="zebra",
        type_enum="transform",
        config_json={"values": {"zebra": "1"}},
    )
    version = add_version(workflow, draft_of(workflow), number=1)
    run = WorkflowRun.objects.create(
        workflow=workflow, version=version, started_by="person", state="waiting", available_at=None
    )
    step_run = StepRun.objects.create(run=run, number=1, key="zebra", type_enum="transform")
    approval = Approval.objects.create(run=run, step_run=step_run, question="Zebra question")
    trigger = Trigger.objects.create(
        workflow=workflow,
        name="Zebra trigger",
        kind="schedule",
        config_json={"cron": "0 7 * * 1", "timezone": "UTC"},
    )
    return [workflow, step, run, approval, trigger]


def _webhook(workspace: Workspace) -> list[models.Model]:
    subscription = WebhookSubscription.objects.create(
        workspace=workspace,
        name="Zebra webhook",
        events_json=["document.failed"],
        host="zebra.example.org",
        config_encrypted_json={"url": "https://zebra.example.org/", "secret": SECRET},
    )
    delivery = WebhookDelivery.objects.create(
        subscription=subscription,
        number=1,
        type="document.failed",
        happened_at=timezone.now(),
        state="done",
        available_at=None,
        finished_at=timezone.now(),
    )
    attempt = WebhookAttempt.objects.create(delivery=delivery, milliseconds=1, status=200)
    return [subscription, delivery, attempt]


def _tenant(owner: Person) -> list[models.Model]:
    key = ApiKey.objects.create(
        user=owner.user,
        name="Zebra key",
        prefix="oyl_zebra",
        key_hash=f"{owner.tenant_id.int:064x}",
        scopes=["audit:read"],
    )
    membership = Membership.objects.get(user=owner.user)
    invitation = Invitation.objects.create(
        email="zebra@example.org",
        token_hash=f"{owner.tenant_id.int:064x}",
        expires_at=timezone.now() + timedelta(days=1),
    )
    quota = QuotaLimit.objects.create(kind="documents", credential=key.prefix, amount=100)
    return [
        Tenant.objects.get(pk=owner.tenant_id),
        key,
        membership,
        invitation,
        quota,
        AuditLog.objects.all()[0],
    ]


@pytest.fixture
def rows(owner: Person) -> Rows:
    """One object of every model, in the owner's tenant."""
    return make_rows(owner)
