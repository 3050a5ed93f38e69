"""Two organisations with a row in every table. Each text contains the organisation's word, so that a word in another's
response is a leak.

Rows are made from the models, so that a new table is included without being named here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.utils import timezone

from audit.models import AuditLog, AuditSeal
from audit.sealing import seal
from audit.services import record
from core.encryption.fields import EncryptedJSONField
from core.isolation import check, pg_catalog
from core.isolation.scope import tenant_scope
from core.models import TenantModel
from knowledge.models import Document, StoredFile, UploadPart
from knowledge.storage.files import store_document
from tenants.models import Membership, Tenant, User
from tests.conftest import Person, make_owner

Model = type[models.Model]
MODELS: list[Model] = [Tenant, *(model for model in apps.get_models() if issubclass(model, TenantModel))]
WORDS = {"CharField", "TextField"}
# Fields that take values of the operator's configuration only, and codes.
CONFIGURED = {"embedding_model", "language", "currency"}
# Fields that a constraint leaves empty where others are filled.
LEFT_EMPTY = {
    *("BulkChange.failures_json", "Conversation.teammate", "Message.error_code", "Reference.knowledge_base"),
    *("WorkflowRun.parent", "WorkflowRun.parent_step", "WorkflowStep.on_error_json"),
}
NUMBERS = {
    "DecimalField",
    "FloatField",
    "IntegerField",
    "BigIntegerField",
    "PositiveIntegerField",
    "PositiveBigIntegerField",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """`word` is in each text of each row; `sign` in what operators may see of every tenant: its name, and its members'
    e-mail addresses."""

    person: Person
    word: str
    sign: str
    rows: dict[Model, Any]

    @property
    def tenant_id(self) -> UUID:
        return self.person.tenant_id

    def id_of(self, model: Model) -> UUID:
        found: UUID = self.person.user.pk if model is User else self.rows[model].pk
        return found


def make_party(folder: Path) -> Party:
    person, mark = make_owner(), uuid4().hex[:10]
    word, sign = f"zq{mark}", f"zs{mark}"
    rows: dict[Model, Any] = {}
    with tenant_scope(person.tenant_id):
        rows[Tenant] = Tenant.objects.get(pk=person.tenant_id)
        _name(person, rows[Tenant], word, sign)
        rows[Membership] = Membership.objects.get()
        rows[AuditLog] = record(
            actor=person.actor, action=f"{word}.made", target=rows[Tenant], new={word: word}
        )
        for model in MODELS:
            if model is not AuditSeal:
                make_row(model, person.user, word, rows)
        for model in (Document, StoredFile, UploadPart):
            _store_file(rows[model], folder / "original", word)
    seal(person.tenant_id)
    with tenant_scope(person.tenant_id):
        rows[AuditSeal] = AuditSeal.objects.order_by("-sequence")[0]
    return Party(person=person, word=word, sign=sign, rows=rows)


def _name(person: Person, tenant: Tenant, word: str, sign: str) -> None:
    tenant.name, tenant.metadata_encrypted = f"Org {sign}", {"contract": word}
    tenant.save()
    person.user.email, person.user.name = f"{sign}@example.org", sign
    person.user.save()


def make_row(model: Any, user: User, word: str, rows: dict[Model, Any]) -> Any:
    if model is User:
        return user
    if model not in rows:
        facts = {
            field.name: _value(field, user, word, rows)
            for field in model._meta.concrete_fields
            if _is_filled(field)
        }
        rows[model] = model._base_manager.create(**facts)
    return rows[model]


def _is_filled(field: Any) -> bool:
    if f"{field.model.__name__}.{field.name}" in LEFT_EMPTY:
        return False
    if field.primary_key or field.name in {"tenant", *CONFIGURED} or field.related_model is field.model:
        return False
    if field.choices and field.blank:  # an optional choice may require another field
        return False
    if field.is_relation or field.choices or _is_text(field):
        return True
    kind = field.get_internal_type()
    automatic = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    may_be_left_out = field.null or field.blank
    return (kind in NUMBERS and not may_be_left_out) or (
        kind in ("DateTimeField", "DateField") and not field.null and not automatic
    )


def _is_text(field: Any) -> bool:
    if isinstance(field, ArrayField):
        return _is_text(field.base_field)
    return field.get_internal_type() in WORDS or isinstance(field, models.JSONField | EncryptedJSONField)


def _shapes(word: str) -> dict[str, Any]:
    """Of JSON fields that are read as objects of their own kinds."""
    citation = {
        "number": 1,
        "chunk": str(uuid4()),
        "document": str(uuid4()),
        "filename": word,
        "page": 1,
    }
    return {
        "citations_json": [citation | {"heading": [word], "text": word, "start": 0, "end": 4}],
        "tables_json": [
            {"number": 2, "sql": word, "columns": [word], "rows": [[word]], "row_count": 1, "is_cut": False}
            | {"data_sources": [{"id": str(uuid4()), "name": word}]}
        ],
        "sentences_json": [{"start": 0, "end": 4, "cited": [1], "support": "weak", "reason": word}],
        "expected_json": [{"document": str(uuid4()), "page": None}],
        "ranks_json": {word: {word: 1}},
        "stages_json": [{"name": word, "began": 0.0, "seconds": 0.1, "facts": {word: word}}],
    }


def _value(field: Any, user: User, word: str, rows: dict[Model, Any]) -> Any:
    if field.is_relation:
        return make_row(field.related_model, user, word, rows)
    if field.choices:  # no worker processes a finished job
        values = [value for value, _ in field.choices]
        return next((value for value in ("done", "assistant") if value in values), values[0])
    if field.name in _shapes(word):
        return _shapes(word)[field.name]
    if field.name == "owner":
        return str(user.pk)
    if isinstance(field, ArrayField):
        return [word] if _is_text(field) else []
    if isinstance(field, models.JSONField | EncryptedJSONField):
        return {word: 1}
    if field.get_internal_type() in WORDS:
        return word
    tomorrow = timezone.now() + timedelta(days=1)  # nothing expires meanwhile
    return {"DateTimeField": tomorrow, "DateField": tomorrow.date()}.get(field.get_internal_type(), 1)


def _store_file(row: Any, path: Path, word: str) -> None:
    path.write_text(word)
    row.file_path = store_document(path, row.tenant_id, row.pk, 1)
    row.save()


def contents(party: Party) -> dict[str, list[str]]:
    """Return {table: rows} of the tenant."""
    found = {}
    with tenant_scope(party.tenant_id), connection.cursor() as cursor:
        for table in check.tenant_tables(pg_catalog.read()):
            name = connection.ops.quote_name(table.name)
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {name} t ORDER BY id")
            found[table.name] = [row for (row,) in cursor.fetchall()]
    return found


def as_json(model: Model, party: Party) -> dict[str, Any]:
    """Return a row as PostgreSQL's JSON, for `jsonb_populate_record`."""
    name = connection.ops.quote_name(model._meta.db_table)
    with tenant_scope(party.tenant_id), connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {name} t WHERE id = %s", [party.id_of(model)])
        row: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return row
