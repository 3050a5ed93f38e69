"""Every column of unlimited length is bounded: by its field, or by the code that writes it, which is named here."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from core.apps import OylAppConfig
from core.bounded_fields import BoundedJSONField, BoundedTextField, is_long
from core.encryption.fields import EncryptedJSONField
from core.isolation.scope import tenant_scope
from core.json_values import JSON_LENGTH
from core.permissions import key_scopes
from knowledge.metadata import bounded_file_metadata
from tests.conftest import Person, make_owner
from tests.support.admin_pages import OPERATORS_ONLY, Model, url
from tests.support.admin_rows import Rows, make_rows
from tests.support.api_client import assert_problem, make_caller

# Written by OYL itself: what bounds each.
BOUNDED_ELSEWHERE = {
    "idempotency_keys.body": "core.api.idempotency.MAX_ANSWER_BYTES",
    "audit_logs.payload_json": "audit.payloads",
    "platform_events.payload_json": "audit.payloads",
    "tags.vector": "the dimensions of the embedding model",
    "api_keys.scopes": "the serializer and the form: each scope once",
    "tenants.metadata_encrypted": "nothing writes it yet",
    "integration_configs.config_encrypted_json": "MaxJsonLengthValidator, before it is encrypted",
    "documents.text": "PARSER_TEXT_MB",
    "documents.file_metadata_json": "knowledge.metadata.bounded_file_metadata",
    "documents.warnings": "engines.parsing.frames.MAX_WARNINGS",
    "documents.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "documents.versions": "names of versions",
    "documents.left_references": "ids of references",
    "chunks.text": "the embedding model's longest text",
    "chunks.heading_path": "parts of documents.text",
    "chunks.tags_text": "names of tags, of up to 255 characters each",
    "file_batches.file_ids": "knowledge.openai.attachments.MAX_FILES",
    "ingestion_jobs.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "ingestion_jobs.timings_json": "names of stages",
    "ingestion_jobs.versions": "names of versions",
    "reembeddings.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "reembeddings.timings_json": "names of stages",
    "connector_runs.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "connector_runs.timings_json": "names of stages",
    "evaluation_runs.ranks_json": "the expected documents of a set's cases",
    "messages.error_detail": "conversations.writer.MAX_DETAIL_LENGTH",
    "messages.why": "conversations.writer.MAX_DETAIL_LENGTH",
    "messages.citations_json": "the passages that an answer is given",
    "messages.tables_json": "conversations.answering.data_tool.MAX_CITED, for each query",
    "messages.sentences_json": "the sentences of messages.text",
    "traces.stages_json": "the candidates, passages and rounds of an answer",
    "data_sources.profile_json": "engines.tables.reading.MAX_COLUMNS, with short values",
    "data_sources.options_json": "workspaces.data_sources.importing.read_options",
    "data_imports.options_json": "workspaces.data_sources.importing.read_options",
    "data_imports.recognised_json": "engines.tables.reading.SHOWN_ROWS, with short values",
    "data_imports.errors_json": "engines.tables.reading.SHOWN_CELLS",
    "data_imports.warnings_json": "engines.tables.reading.MAX_COLUMNS",
    "data_imports.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "data_imports.timings_json": "names of stages",
    "workflow_versions.definition_json": "workflows.engine.outputs.is_too_long",
    "workflow_runs.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "workflow_runs.timings_json": "names of stages",
    "workflow_runs.input_json": "WORKFLOW_VALUE_MB",
    "workflow_runs.item_json": "WORKFLOW_VALUE_MB",
    "workflow_runs.output_json": "WORKFLOW_VALUE_MB",
    "step_runs.input_json": "workflows.engine.outputs.shown",
    "step_runs.output_json": "WORKFLOW_VALUE_MB",
    "step_runs.details_json": "the types of steps",
    "step_runs.answer_json": "WORKFLOW_VALUE_MB",
    "step_runs.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "run_signals.payload_json": "WORKFLOW_VALUE_MB",
    "approvals.shown_json": "WORKFLOW_VALUE_MB",
    "triggers.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "trigger_events.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "trigger_events.timings_json": "names of stages",
    "trigger_events.payload_json": "workflows.triggers.webhooks.MAX_BYTES",
    "webhook_subscriptions.off_reason": "jobs.queue.MAX_DETAIL_LENGTH",
    "webhook_subscriptions.config_encrypted_json": "max_length of the URL, and secrets",
    "bulk_changes.arguments_json": "names of tags, or an id",
    "bulk_changes.document_ids": "knowledge.services.bulk_changes.MAX_DOCUMENTS",
    "bulk_changes.failures_json": "sentences by document, of those that were chosen",
    "bulk_changes.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "bulk_changes.timings_json": "names of stages",
    "webhook_deliveries.data_json": "ids, of documents the first 1,000",
    "webhook_deliveries.error_detail": "jobs.queue.MAX_DETAIL_LENGTH",
    "webhook_deliveries.timings_json": "names of stages",
    "webhook_attempts.request_headers_json": "webhooks.messages.send",
    "webhook_attempts.response_headers_json": "webhooks.messages.SHOWN_HEADERS",
    "webhook_attempts.response_text": "webhooks.messages.RESPONSE_LENGTH",
    "webhook_attempts.error_detail": "sentences of error codes",
}
MODELS = sorted(set(admin.site._registry) - OPERATORS_ONLY, key=lambda model: model._meta.label)
by_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
FIELDS: dict[str, Any] = {
    f"{model._meta.db_table}.{field.name}": field
    for model in apps.get_models()
    if isinstance(apps.get_app_config(model._meta.app_label), OylAppConfig)
    for field in model._meta.local_concrete_fields
    if isinstance(field, models.TextField | models.JSONField | models.BinaryField | ArrayField)
}
BOUNDED: dict[str, Any] = {
    name: f for name, f in FIELDS.items() if isinstance(f, BoundedTextField | BoundedJSONField)
}
# A request that writes the field, by its table; `parent` stands for the id of the parent.
PARENTS = {
    "workspace": "workspaces.Workspace",
    "workflow": "workflows.Workflow",
    "reference": "knowledge.Reference",
    "evaluation_set": "knowledge.EvaluationSet",
    "message": "conversations.Message",
    "data_source": "workspaces.DataSource",
    "integration": "workspaces.IntegrationConfig",
}
ROUTES: dict[str, tuple[str, dict[str, Any]]] = {
    "workspaces": ("workspaces", {"name": "Big"}),
    "data_sources": ("data-sources", {"name": "Big", "workspace": None}),
    "database_queries": ("database-queries", {"data_source": None, "integration": None}),
    "teammates": ("teammates", {"name": "Big", "workspace": None}),
    "assistants": ("assistants", {"name": "Big", "workspace": None}),
    "references": ("references", {"name": "Big", "workspace": None}),
    "evaluation_cases": ("evaluation-cases", {"question": "Big", "evaluation_set": None}),
    "tags": ("tags", {"tag": "Big", "reference": None}),
    "feedback": ("feedback", {"rating": "up", "message": None}),
    "workflows": ("workflows", {"name": "Big", "workspace": None}),
    "workflow_steps": (
        "workflow-steps",
        {"position": 2, "key": "big", "type_enum": "transform", "workflow": None},
    ),
}
# Written through other doors, or by none yet.
NOT_WRITTEN_BY_ROUTES = {
    "assistants.ai_instruction",
    "instructions.system_prompt",
    "documents.metadata_json",
    "references.metadata_json",
    "messages.text",
    "messages.summary",
    "approvals.question",
    "approvals.user_ids_json",
    "approvals.comment",
    "triggers.config_json",
    "webhook_subscriptions.events_json",
    "connectors.config_json",
    "connector_items.state_json",
    "connector_items.error_detail",
}


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def rows(owner: Person) -> Rows:
    return make_rows(owner)


def too_long(field: Any) -> Any:
    return "x" * (field.max_length + 1) if field.max_length else {"x": "x" * JSON_LENGTH}


def test_every_long_column_is_bounded():
    assert set(FIELDS) == set(BOUNDED) | set(BOUNDED_ELSEWHERE)
    assert not set(BOUNDED) & set(BOUNDED_ELSEWHERE)
    lengths: list[Any] = [field.max_length for field in BOUNDED.values()]
    assert all(length is None or length <= 100_000 for length in lengths)


@pytest.mark.parametrize("name", sorted(set(BOUNDED) - NOT_WRITTEN_BY_ROUTES))
def test_api_refuses_a_longer_value_and_names_field_and_limit(name: str, owner: Person, rows: Rows):
    table, _, column = name.partition(".")
    route, body = ROUTES[table]
    parents = {
        field: str(rows[apps.get_model(PARENTS[field])].pk) for field, one in body.items() if one is None
    }
    answer = make_caller(owner).post(f"{route}/", {**body, **parents, column: too_long(BOUNDED[name])})
    errors = assert_problem(answer, 422, "invalid")["errors"]
    limit = getattr(BOUNDED[name], "max_length", None) or JSON_LENGTH
    assert {error["field"] for error in errors} == {column}
    assert any(str(limit) in error["detail"].replace(",", "") for error in errors)


@by_model
def test_admin_forms_refuse_a_longer_value(model: Model, owner: Person, rows: Rows):
    request: Any = owner.client.get(url(model, "change", rows[model].pk)).wsgi_request
    form = admin.site._registry[model].get_form(request, rows[model], change=True)
    long_fields = [
        field
        for field in model._meta.local_concrete_fields
        if field.name in form.base_fields and isinstance(field, models.TextField | models.JSONField)
    ]
    refused = []
    for field in long_fields:
        text = "x" * 100_001 if isinstance(field, models.TextField) else f'{{"x": "{"x" * JSON_LENGTH}"}}'
        with tenant_scope(owner.tenant_id):
            refused += [field] if field.name in form({field.name: text}, instance=rows[model]).errors else []
    assert refused == long_fields


def test_secret_configuration_is_bounded_before_it_is_encrypted(owner: Person, rows: Rows):
    assert [name for name, field in FIELDS.items() if isinstance(field, EncryptedJSONField)] == [
        "tenants.metadata_encrypted",
        "integration_configs.config_encrypted_json",
        "webhook_subscriptions.config_encrypted_json",
    ]
    workspace = str(rows[apps.get_model("workspaces.Workspace")].pk)
    body = {
        "workspace": workspace,
        "name": "Big",
        "type_enum": "chat_model",
        "config": {"x": "x" * JSON_LENGTH},
    }
    (error,) = assert_problem(make_caller(owner).post("integration-configs/", body), 422, "invalid")["errors"]
    assert error["field"] == "config" and "64,000" in error["detail"]


def test_scopes_of_a_key_are_bounded(owner: Person):
    scopes = [*key_scopes(), "audit:read"]
    answer = make_caller(owner).post("api-keys/", {"name": "Big", "scopes": scopes})
    assert_problem(answer, 422, "invalid")


def test_properties_of_a_file_are_kept_up_to_the_limit():
    metadata = {"title": "x", "comment": "x" * JSON_LENGTH, "author": "Ada"}
    assert bounded_file_metadata(metadata) == {"title": "x", "author": "Ada"}


@by_model
def test_admin_lists_do_not_load_long_columns(model: Model, owner: Person, rows: Rows):
    """Neither with the rows, unless the list shows them, nor one by one afterwards."""
    model_admin: Any = admin.site._registry[model]
    client = owner.client
    client.get(url(model, "changelist"))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url(model, "changelist")).status_code == 200
    shown = {*model_admin.list_display, *model_admin.list_reads}
    for field in model._meta.local_concrete_fields:
        column = f'"{model._meta.db_table}"."{field.column}"'
        loading = [
            one["sql"] for one in queries if f"{column}," in one["sql"] or f"{column} FROM" in one["sql"]
        ]
        if is_long(field):
            assert bool(loading) == (field.name in shown), loading
