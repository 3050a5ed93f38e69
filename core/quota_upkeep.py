"""Periodic work on quotas: adding up the rows of uses, and correcting what is counted as stored by what is there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Aggregate, F, QuerySet, Sum, UUIDField, Value
from django.utils.module_loading import import_string

from core.apps import oyl_apps
from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.models import QuotaUse, StoredAmount
from core.quota_kinds import STORED, QuotaKind, today

NOWHERE = Value(None, output_field=UUIDField())
RETENTION = timedelta(days=400)
# Two processes at once wait for each other's rows, and the second finds none of them.
ADD_UP = """
WITH repeated AS (
    SELECT id FROM (
        SELECT id, count(*) OVER (PARTITION BY kind, day, workspace_id, credential, user_id) AS copies
        FROM quota_uses WHERE tenant_id = %(tenant)s
    ) AS rows WHERE copies > 1
), gone AS (
    DELETE FROM quota_uses WHERE tenant_id = %(tenant)s AND id IN (SELECT id FROM repeated)
    RETURNING kind, day, workspace_id, credential, user_id, amount
)
INSERT INTO quota_uses (id, tenant_id, created_at, kind, day, workspace_id, credential, user_id, amount)
SELECT gen_random_uuid(), %(tenant)s, statement_timestamp(), kind, day, workspace_id, credential, user_id, sum(amount)
FROM gone GROUP BY kind, day, workspace_id, credential, user_id
"""
REMEMBER = """
INSERT INTO stored_amounts (id, tenant_id, created_at, kind, day, amount)
SELECT gen_random_uuid(), %(tenant)s, statement_timestamp(), kind, %(today)s, greatest(sum(amount), 0)
FROM quota_uses WHERE tenant_id = %(tenant)s AND day = %(stored)s GROUP BY kind ORDER BY kind
ON CONFLICT (tenant_id, kind, day) DO UPDATE SET amount = excluded.amount
WHERE stored_amounts.amount <> excluded.amount
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Rows that a quota of what is stored counts. `workspace` is the lookup from a row to its workspace, if it has one."""

    kind: QuotaKind
    rows: QuerySet[Any]
    amount: Aggregate
    workspace: str = ""


def add_up_uses() -> int:
    """Replace the rows of uses that differ in nothing but their amount by their sum, in all tenants, remember what is stored
    today, and delete what is of days before `RETENTION`. Returns the number of tenants."""
    tenants = all_tenants()
    for tenant_id in tenants:
        add_up_uses_of(tenant_id)
    return len(tenants)


def add_up_uses_of(tenant_id: UUID) -> None:
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(ADD_UP, {"tenant": tenant_id})
        cursor.execute(REMEMBER, {"tenant": tenant_id, "today": today(), "stored": STORED})
        QuotaUse.objects.filter(day__gt=STORED, day__lt=today() - RETENTION).delete_rows()
        StoredAmount.objects.filter(day__lt=today() - RETENTION).delete_rows()


def correct_stored() -> int:
    """Compare what is counted as stored with what is there, in all tenants, and count the difference, which a failure
    outside of a service may have left. Returns the number of corrections."""
    return sum(map(correct_stored_of, all_tenants()))


def correct_stored_of(tenant_id: UUID) -> int:
    with tenant_scope(tenant_id):
        corrections = [
            QuotaUse(kind=kind, day=STORED, workspace_id=workspace_id, amount=amount)
            for kind in QuotaKind
            if kind.is_stored
            for workspace_id, amount in _differences(kind).items()
            if amount
        ]
        QuotaUse.objects.bulk_create(corrections)
    return len(corrections)


def _differences(kind: QuotaKind) -> Counter[UUID | None]:
    """{workspace: what is there, less what is counted}. One statement, so that both are of the same moment."""
    counted = QuotaUse.objects.filter(kind=kind, day=STORED).values_list("workspace_id")
    parts = [
        one.rows.order_by()
        .annotate(of=F(one.workspace) if one.workspace else NOWHERE)
        .values_list("of")
        .annotate(total=one.amount)
        for one in _announced()
        if one.kind == kind
    ]
    differences: Counter[UUID | None] = Counter()
    for workspace_id, amount in counted.annotate(total=-Sum("amount")).union(*parts, all=True):
        differences[workspace_id] += amount
    return differences


def _announced() -> list[Stored]:
    return [one for config in oyl_apps() if config.stored for one in import_string(config.stored)()]
