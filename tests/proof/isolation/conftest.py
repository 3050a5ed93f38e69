from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from audit.sealing import seal
from core.api import events
from core.quota_upkeep import add_up_uses_of, correct_stored_of
from tests.proof.conftest import Report, Size
from tests.proof.isolation.figures import TRIED, WAYS, figures
from tests.proof.isolation.parties import Party, contents, make_party

collect_ignore = ["test_vector_socket.py"] if settings.QDRANT_URL else []


@pytest.fixture(scope="session", autouse=True)
def short_streams() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "MAX_SECONDS", 0.1)
        patched.setattr(events, "POLL_SECONDS", (0.01, 0.01))
        yield


@pytest.fixture(scope="session")
def victim(database: None, tmp_path_factory: pytest.TempPathFactory) -> Party:
    """The tenant whose rows must not be visible to others."""
    return make_party(tmp_path_factory.mktemp("victim"))


@pytest.fixture(scope="session")
def intruder(database: None, tmp_path_factory: pytest.TempPathFactory) -> Party:
    """The owner of another organisation, with rows, who knows all ids of the victim."""
    return make_party(tmp_path_factory.mktemp("intruder"))


@pytest.fixture(scope="module")
def untouched(victim: Party) -> Iterator[None]:
    """Checks after the module's tests that no row of the victim has changed. What the periodic tasks do for all tenants is
    done before, because the tests also run these tasks: sealing events and correcting the counts of quotas."""
    seal(victim.tenant_id)
    correct_stored_of(victim.tenant_id)
    add_up_uses_of(victim.tenant_id)
    before = contents(victim)
    yield
    after = contents(victim)
    if _failed_sign_ins(after) != _failed_sign_ins(before):
        after |= {name: before[name] for name in ("audit_seals", "quota_uses")}
    assert _others(after) == _others(before)


def _failed_sign_ins(rows: dict[str, list[str]]) -> list[str]:
    """A failed sign-in as a member leaves an event in the member's organisation, which counts, and is sealed."""
    return [row for row in rows["audit_logs"] if '"action": "sign_in.failed"' in row]


def _others(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    failed = _failed_sign_ins(rows)
    return {**rows, "audit_logs": [row for row in rows["audit_logs"] if row not in failed]}


@pytest.fixture(scope="session")
def counted(report: Report, size: Size) -> Iterator[Counter[str]]:
    """How much each test tried, reported after the last of them. A long run must have tried everything."""
    counts = Counter[str]()
    yield counts
    rows = list(figures(counts))
    if rows:
        report("isolation", rows)
    assert len(rows) >= size(0, len(TRIED) + len(WAYS))


@pytest.fixture(scope="session")
def browser(intruder: Party) -> Client:
    """A client that is signed in as the intruder."""
    return intruder.person.client
