"""Giving events their place in their tenant's chain, a moment after they were committed.

Business transactions add events without waiting for one another; here one process at a time orders them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Subquery

from audit import chain_heads
from audit.chain_heads import AuditAnchorError, Head
from audit.digests import first_seal, key, seal_of
from audit.models import AuditLog, AuditSeal
from core.isolation.scope import tenant_scope

BATCH = 5_000


def tenants_with_unsealed_events(since: datetime | None = None) -> list[UUID]:
    """Whose events, of those created after `since`, have no seal yet: one query for all tenants."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oyl_tenants_with_unsealed_events(%s)", [since])
        return [tenant_id for (tenant_id,) in cursor.fetchall()]


def seal(tenant_id: UUID, *, since: datetime | None = None) -> int:
    """Seal the events that have no seal yet, in the order of their time; how many there were.

    With `since`, only those created after it are looked at: cheap, however long the log is. Nothing is done
    while another process seals this tenant. Raises AuditAnchorError when the chain is not the one anchored.
    """
    sealed = 0
    while True:
        with tenant_scope(tenant_id):
            if not _only_one(tenant_id):
                return sealed
            events = _unsealed(since)
            if not events:
                return sealed
            head = _append(_anchored_head(tenant_id), events)
        chain_heads.write(tenant_id, head)
        sealed += len(events)
        since = events[-1].created_at  # whatever came in before it meanwhile waits for the next call


def _only_one(tenant_id: UUID) -> bool:
    """True for one transaction at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit.seal:{tenant_id}"]
        )
        return bool(cursor.fetchone()[0])


def _unsealed(since: datetime | None) -> list[AuditLog]:
    """The next batch, as far as it is needed.

    A subquery for each event, and not a join, which is planned badly while a tenant's log grows fast.
    """
    seals = AuditSeal.objects.filter(tenant_id=OuterRef("tenant_id"), audit_log_id=OuterRef("pk"))
    events: Any = AuditLog.objects.annotate(seal_id=Subquery(seals.values("pk")[:1])).filter(seal_id=None)
    if since:
        events = events.filter(created_at__gte=since)
    found: list[AuditLog] = list(
        events.order_by("created_at", "id").only("id", "tenant", "created_at", "digest")[:BATCH]
    )
    return found


def _anchored_head(tenant_id: UUID) -> Head:
    """The chain's end, which must go on from what was anchored: a cut chain would otherwise be mended here."""
    last = AuditSeal.objects.order_by("-sequence").values_list("sequence", "seal").first()
    head = Head(*last) if last else Head(0, first_seal(tenant_id))
    anchor = chain_heads.read(tenant_id)
    if anchor is None and last is None:
        chain_heads.write(tenant_id, head)
    elif anchor is None or _seal_at(anchor.sequence, tenant_id) != anchor.seal:
        raise AuditAnchorError(
            f"The audit log of {tenant_id} does not go on from what was sealed before, so nothing is sealed. "
            f"`verify_audit --tenant {tenant_id}` says what is wrong."
        )
    return head


def _seal_at(sequence: int, tenant_id: UUID) -> str | None:
    if sequence == 0:
        return first_seal(tenant_id)
    return AuditSeal.objects.filter(sequence=sequence).values_list("seal", flat=True).first()


def _append(head: Head, events: list[AuditLog]) -> Head:
    secret, rows = key(), []
    for sequence, event in enumerate(events, start=head.sequence + 1):
        head = Head(sequence, seal_of(secret, head.seal, sequence, event.digest))
        rows.append(AuditSeal(sequence=sequence, audit_log=event, seal=head.seal))
    AuditSeal.objects.bulk_create(rows)
    return head
