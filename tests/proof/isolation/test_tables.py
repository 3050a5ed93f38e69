"""Every tenant table with every statement in every scope, in SQL as the application's role."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import uuid4

from django.db import DatabaseError, connection, transaction

from audit.models import AuditLog, AuditSeal
from audit.services import record
from core.apps import Privileges, oyl_apps
from core.isolation import check, pg_catalog
from core.isolation.scope import VARIABLE, tenant_scope
from tenants.models import Tenant
from tests.proof.isolation.parties import MODELS, Model, Party, as_json

INSERT = "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %%(%s)s)"
STATEMENTS = {
    "select": "SELECT id FROM {table} WHERE {owned}",
    "insert": INSERT % "row",
    "update": "UPDATE {table} SET id = id WHERE {owned}",
    "give away": "UPDATE {table} SET {column} = %(other)s WHERE {owned}",
    "delete": "DELETE FROM {table} WHERE id = %(id)s",
    "upsert": INSERT % "same" + " ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id",
    "overwrite": INSERT % "mine" + " ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id",
}
SCOPES = ("own", "other", "no", "empty", "garbage")
CHANGING = {"update", "give away", "upsert", "overwrite"}
PRIVILEGES = {table: granted for config in oyl_apps() for table, granted in config.privileges.items()}
REFUSALS = ("row-level security", "invalid input syntax for type uuid", "permission denied", "append-only")
POLICY, INVALID_UUID, NO_GRANT, SEALED = REFUSALS

# The row is the tenant itself: its scope has no second one, the audit log refers to it, and a tenant can overwrite only
# itself.
OF_TENANTS = {("insert", "own"): POLICY, ("delete", "own"): SEALED, ("overwrite", "other"): "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A row of the victim. `spare` is one that can be inserted in the victim's scope; `removable`, whether the row can be
    deleted before."""

    model: Model
    victim: Party
    intruder: Party
    row: dict[str, Any]
    spare: dict[str, Any]
    removable: bool

    @property
    def table(self) -> str:
        return connection.ops.quote_name(self.model._meta.db_table)

    @property
    def column(self) -> str:
        return "id" if self.model is Tenant else "tenant_id"

    @property
    def columns(self) -> str:
        """Those that can be written."""
        fields = (field for field in self.model._meta.concrete_fields if not field.generated)
        return ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)

    def run(self, statement: str, scope: str) -> str:
        """Return the number of rows, or the refusal; roll back."""
        sql = STATEMENTS[statement].format(
            table=self.table, column=self.column, columns=self.columns, owned=f"{self.column} = %(tenant)s"
        )
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                self._enter(cursor, scope)
                if statement == "insert" and scope == "own" and self.removable:
                    cursor.execute(f"DELETE FROM {self.table} WHERE id = %s", [self.row["id"]])
                cursor.execute(sql, self._facts())
                transaction.set_rollback(True)
                return str(cursor.rowcount)
        except DatabaseError as error:
            return next((refusal for refusal in REFUSALS if refusal in str(error)), str(error))

    def _enter(self, cursor: Any, scope: str) -> None:
        value = {
            "own": str(self.victim.tenant_id),
            "other": str(self.intruder.tenant_id),
            "empty": "",
            "garbage": "garbage",
        }
        if scope in value:
            cursor.execute("SELECT set_config(%s, %s, true)", [VARIABLE, value[scope]])

    def _facts(self) -> dict[str, Any]:
        return {
            "id": self.row["id"],
            "tenant": str(self.victim.tenant_id),
            "other": str(self.intruder.tenant_id),
            "row": json.dumps(self.spare),
            "same": json.dumps(self.row),
            "mine": json.dumps({**self.row, self.column: str(self.intruder.tenant_id)}),
        }


def expected(attempt: Attempt, statement: str, scope: str, rows: int) -> str:
    """Return the result that PostgreSQL must give."""
    privileges = PRIVILEGES.get(attempt.model._meta.db_table, Privileges())
    if (statement in CHANGING and privileges.update == ()) or (
        statement == "delete" and not privileges.delete
    ):
        return NO_GRANT
    if scope == "garbage":
        return INVALID_UUID
    if attempt.model is Tenant and (statement, scope) in OF_TENANTS:
        return OF_TENANTS[statement, scope]
    if statement in ("insert", "upsert"):
        return "1" if scope == "own" else POLICY
    if statement == "overwrite" or (statement == "give away" and scope == "own"):
        return POLICY
    if scope != "own":
        return "0"
    return "1" if statement == "delete" else str(rows)


def attempts(victim: Party, intruder: Party) -> list[Attempt]:
    made = []
    for model in MODELS:
        row = as_json(model, victim)
        removable = model not in SPARES
        spare = row if removable else {**row, "id": str(uuid4()), **SPARES[model](victim)}
        made.append(
            Attempt(
                model=model,
                victim=victim,
                intruder=intruder,
                row=row,
                spare=spare,
                removable=removable,
            )
        )
    return made


def _not_sealed_yet(victim: Party) -> dict[str, Any]:
    with tenant_scope(victim.tenant_id):
        event = record(actor=victim.person.actor, action="matrix.tried")
        last = AuditSeal.objects.order_by("-sequence")[0].sequence
    return {"audit_log_id": str(event.pk), "sequence": last + 1}


# The rows of these models cannot be deleted to insert them again.
SPARES: dict[Model, Callable[[Party], dict[str, Any]]] = {
    AuditLog: lambda victim: {},
    AuditSeal: _not_sealed_yet,
    Tenant: lambda victim: {},
}


def test_every_statement_in_every_scope_has_the_expected_result(
    victim: Party, intruder: Party, counted: Counter[str]
):
    tables = {table.name for table in check.tenant_tables(pg_catalog.read())}
    assert {model._meta.db_table for model in MODELS} == tables, "a table without a model"
    wrong = {}
    for attempt in attempts(victim, intruder):
        with tenant_scope(victim.tenant_id):
            rows = attempt.model._base_manager.count()
        for statement, scope in product(STATEMENTS, SCOPES):
            answer, wanted = attempt.run(statement, scope), expected(attempt, statement, scope, rows)
            if answer != wanted:
                wrong[attempt.table, statement, scope] = (answer, wanted)
    assert wrong == {}
    counted["cells"] = len(tables) * len(STATEMENTS) * len(SCOPES)
