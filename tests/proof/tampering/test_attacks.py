"""Verification finds every attack on the audit log inside the database, and raises no false alarm."""

from __future__ import annotations

from itertools import cycle
from random import Random
from uuid import UUID

import pytest

from audit.models import AuditSeal
from audit.sealing import seal
from audit.services import record
from audit.verification import ChainProblem, verify
from benchmarks.reports import Row
from core.actors import command_actor
from core.isolation.scope import tenant_scope
from tests.proof.conftest import Size
from tests.proof.tampering.attacker import attack, restore, unprotected
from tests.proof.tampering.attacks import KINDS, FirstBadRow
from tests.proof.tampering.threads import repeated_in_threads

SEED = 3
BATCHES = 4


def add_events(tenant_id: UUID, count: int) -> None:
    with tenant_scope(tenant_id):
        for n in range(count):
            record(
                actor=command_actor(tenant_id, "harness"),
                action="harness.recorded",
                new={"n": n, "ä": [n / 7]},
            )


@pytest.fixture(scope="module")
def log(module_owner, size: Size) -> tuple[UUID, list[UUID]]:
    """A tenant, and its events in their order, sealed in several batches."""
    tenant_id = module_owner.tenant_id
    for _ in range(BATCHES):
        add_events(tenant_id, size(160, 400) // BATCHES)
        seal(tenant_id)
    with tenant_scope(tenant_id):
        return tenant_id, list(AuditSeal.objects.order_by("sequence").values_list("audit_log_id", flat=True))


@pytest.mark.parametrize("kind", KINDS)
def test_attack_is_found_at_its_first_row(kind: str, log, size: Size, measured: list[Row]):
    tenant_id, chain = log
    random, missed, false_alarms = Random(f"{SEED} {kind}"), [], []
    places = [1, len(chain), *(random.randint(1, len(chain)) for _ in range(size(10, 1_000) - 2))]
    with unprotected(tenant_id):
        for place, how in zip(places, cycle(KINDS[kind]), strict=False):
            with attack(tenant_id, chain, random) as attacker:
                expected = how(attacker, place)
            if _named(problem := verify(tenant_id).problem) != expected:
                missed.append((how.__name__, place, expected, problem))
            restore(tenant_id)
            false_alarms += [problem] if (problem := verify(tenant_id).problem) else []
    assert (missed, false_alarms) == ([], [])
    measured += [
        {
            "What": f"{kind}: found, the first bad row named",
            "Measured": f"{len(places)} of {len(places)}",
            "Target": "all",
        }
    ]


def _named(problem: ChainProblem | None) -> FirstBadRow | None:
    return (problem.sequence, problem.event) if problem else None


def test_log_in_use_raises_no_alarm(owner, size: Size, measured: list[Row]):
    """Two threads write, two seal, and the log is verified meanwhile."""
    tenant_id = owner.tenant_id

    def write() -> None:
        add_events(tenant_id, 3)

    functions = [write, write, lambda: seal(tenant_id), lambda: seal(tenant_id)]
    with repeated_in_threads(functions) as errors:
        reports = [verify(tenant_id)]
        while not errors and (len(reports) < size(25, 300) or reports[-1].events < reports[0].events + 100):
            reports.append(verify(tenant_id))
    seal(tenant_id)
    assert errors == []
    assert [report.problem for report in reports if report.problem] == []
    assert verify(tenant_id).problem is None and verify(tenant_id).unsealed == 0
    measured += [
        {
            "What": f"false alarms while {reports[-1].events - reports[0].events:,} events were written and sealed",
            "Measured": f"0 in {len(reports):,} verifications",
            "Target": "0",
        }
    ]
