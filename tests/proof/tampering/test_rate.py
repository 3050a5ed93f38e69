"""Events of one tenant are recorded concurrently, and a long log is verified in seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from audit.digests import digest
from audit.models import AuditLog
from audit.sealing import seal
from audit.services import record
from audit.verification import verify
from benchmarks.reports import Row
from core.actors import command_actor
from core.isolation.scope import tenant_scope
from core.isolation.time_limits import BULK, time_limits
from core.models import new_id
from tests.proof.conftest import Size
from tests.proof.tampering.threads import repeated_in_threads

BUSINESS_SECONDS = 0.05
THREADS = 18  # two connections of the pool are left for sealing and for this thread
TARGET_RATE = 250
# The rate if transactions of 50 ms waited for each other.
SERIAL_RATE = 1 / BUSINESS_SECONDS
MILLION, TARGET_SECONDS = 1_000_000, 15
INSERT = """
INSERT INTO audit_logs (tenant_id, id, action, object_type, object_id, payload_json, created_at, digest)
SELECT %s, * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::jsonb[], %s::timestamptz[], %s::text[])
"""


def test_events_do_not_wait_for_each_other(owner, size: Size, measured: list[Row]):
    """Each thread works for 50 ms in the transaction of its event."""
    tenant_id = owner.tenant_id
    actor = command_actor(tenant_id, "harness")
    seconds = size(2, 60)

    def business() -> None:
        with (
            time_limits(BULK),
            tenant_scope(tenant_id),
        ):  # requests of a tenant wait for each other's connections
            record(actor=actor, action="harness.recorded", new={"text": "x" * 200})
            time.sleep(BUSINESS_SECONDS)

    def sealing() -> None:
        seal(tenant_id)
        time.sleep(0.5)

    with repeated_in_threads([*[business] * THREADS, sealing]) as errors:
        time.sleep(seconds / 4)
        before, started = _count(tenant_id), time.monotonic()
        time.sleep(seconds)
        rate = (_count(tenant_id) - before) / (time.monotonic() - started)
    seal(tenant_id)
    assert (errors, verify(tenant_id).problem, verify(tenant_id).unsealed) == ([], None, 0)
    assert rate >= size(int(3 * SERIAL_RATE), TARGET_RATE)
    measured += [
        {
            "What": f"events a second in one tenant, each in a transaction of 50 ms, sealing at work ({THREADS} threads)",
            "Measured": f"{rate:.0f}",
            "Target": f"≥ {TARGET_RATE}",
        }
    ]


def _count(tenant_id: UUID) -> int:
    with tenant_scope(tenant_id):
        return AuditLog.objects.count()


def test_a_long_log_is_verified_quickly(owner, size: Size, measured: list[Row]):
    tenant_id, count = owner.tenant_id, size(5_000, MILLION)
    before = _count(tenant_id)
    for start in range(0, count, 10_000):
        _insert(tenant_id, list(_events(tenant_id, start, min(10_000, count - start))))
    seal(tenant_id)
    started = time.monotonic()
    report = verify(tenant_id)
    seconds = time.monotonic() - started
    assert (report.events, report.unsealed, report.problem) == (before + count, 0, None)
    assert seconds <= TARGET_SECONDS
    measured += [
        {
            "What": f"{count:,} events verified",
            "Measured": f"{seconds:.1f} s ({report.events / seconds:,.0f} a second)",
            "Target": f"≤ {TARGET_SECONDS} s for a million",
        }
    ]


def _events(tenant_id: UUID, start: int, count: int) -> Iterator[AuditLog]:
    """Yield events like those that services record."""
    for n in range(start, start + count):
        event = AuditLog(
            tenant_id=tenant_id,
            action="document.tagged",
            object_type="documents",
            object_id=new_id(),
            payload_json={
                "new": {"tags": ["contract", f"tag {n}"], "n": n},
                "actor": {"kind": "user", "role": "editor"},
            },
            created_at=timezone.now(),
        )
        event.digest = digest(event)
        yield event


def _insert(tenant_id: UUID, events: list[AuditLog]) -> None:
    columns = zip(
        *(
            (e.id, e.action, e.object_type, e.object_id, Jsonb(e.payload_json), e.created_at, e.digest)
            for e in events
        ),
        strict=True,
    )
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(INSERT, [tenant_id, *map(list, columns)])
