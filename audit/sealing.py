"""Giving events their place in their tenant's chain, shortly after they were committed.

Transactions add events without waiting for one another; one process at a time puts them in order here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils.module_loading import import_string

from audit import chain_heads
from audit.chain_heads import AuditAnchorError, ChainHead
from audit.digests import first_seal, keyed_hmac, seal_of
from audit.models import AuditLog, AuditSeal
from core.apps import oyl_apps
from core.isolation.scope import tenant_scope

BATCH = 5_000


def tenants_with_unsealed_events(since: datetime | None = None) -> list[UUID]:
    """The tenants with events, created after `since`, that have no seal yet: one query for all tenants."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oyl_tenants_with_unsealed_events(%s)", [since])
        return [tenant_id for (tenant_id,) in cursor.fetchall()]


def seal(tenant_id: UUID, *, since: datetime | None = None) -> int:
    """Seal the events that have no seal yet, oldest first; returns their number.

    With `since`, only events created after it are read, which is cheap however long the log is. Nothing is done
    while another process seals this tenant. Raises AuditAnchorError when the chain does not continue the anchored one.
    """
    sealed = 0
    while True:
        with tenant_scope(tenant_id):
            if not _acquire_sealing_lock(tenant_id):
                return sealed
            events = _unsealed_events(since)
            if not events:
                return sealed
            head = _append_seals(_anchored_head(tenant_id), events)
        chain_heads.write(tenant_id, head)
        sealed += len(events)
        # Events committed meanwhile with an earlier time wait for the next call.
        since = events[-1].created_at


def _acquire_sealing_lock(tenant_id: UUID) -> bool:
    """Return whether this transaction got the lock; another one may hold it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit.seal:{tenant_id}"]
        )
        return bool(cursor.fetchone()[0])


def _unsealed_events(since: datetime | None) -> list[AuditLog]:
    """The next batch, with the columns that sealing needs. A subquery for each event, because a join is planned badly while
    a tenant's log grows fast."""
    seals = AuditSeal.objects.filter(tenant_id=OuterRef("tenant_id"), audit_log_id=OuterRef("pk"))
    events: Any = AuditLog.objects.annotate(seal_id=Subquery(seals.values("pk")[:1])).filter(seal_id=None)
    if since:
        events = events.filter(created_at__gte=since)
    found: list[AuditLog] = list(
        events.order_by("created_at", "id").only("id", "tenant", "created_at", "digest")[:BATCH]
    )
    return found


def _anchored_head(tenant_id: UUID) -> ChainHead:
    """The chain's last seal. The chain must contain the anchored seal: sealing would otherwise hide a truncation."""
    last = AuditSeal.objects.order_by("-sequence").values_list("sequence", "seal").first()
    head = ChainHead(*last) if last else ChainHead(0, first_seal(tenant_id))
    anchor = chain_heads.read(tenant_id)
    if anchor is None and last is None:
        chain_heads.write(tenant_id, head)
        return head
    at_anchor: str | None = None
    if anchor and anchor.sequence == 0:
        at_anchor = first_seal(tenant_id)
    elif anchor:
        at_anchor = AuditSeal.objects.filter(sequence=anchor.sequence).values_list("seal", flat=True).first()
    if anchor is None or at_anchor != anchor.seal:
        raise AuditAnchorError(
            f"The audit log of {tenant_id} does not go on from what was sealed before, so nothing is sealed. "
            f"`verify_audit --tenant {tenant_id}` says what is wrong."
        )
    return head


def _append_seals(head: ChainHead, events: list[AuditLog]) -> ChainHead:
    secret, rows = keyed_hmac(), []
    for sequence, event in enumerate(events, start=head.sequence + 1):
        head = ChainHead(sequence, seal_of(secret, head.seal, sequence, event.digest))
        rows.append(AuditSeal(sequence=sequence, audit_log=event, seal=head.seal))
    AuditSeal.objects.bulk_create(rows)
    for config in oyl_apps():
        if config.on_sealed:
            import_string(config.on_sealed)(rows)
    return head
