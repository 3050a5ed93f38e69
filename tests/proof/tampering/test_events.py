"""Each call of a service commits its change and its event, or neither: also if it is refused, rolled back or killed."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from django.db import connections, transaction

from audit.verification import verify
from benchmarks.reports import Row
from core.actors import ActorKind
from core.errors import ForbiddenError, NestedTenantScopeError
from core.isolation.scope import PLATFORM_VARIABLE, tenant_scope
from core.permissions import Role
from knowledge.services.references import get_or_create_reference
from tests.conftest import Person
from tests.proof import killable
from tests.proof.conftest import Size
from tests.proof.tampering import (
    calls,
    conversation_calls,
    evaluation_calls,
    file_calls,
    knowledge_calls,
    people_calls,
    vocabulary_calls,
    webhook_calls,
    workflow_calls,
)
from tests.proof.tampering.call_context import Call, CallContext, Service, services

SEED = 5
CALLS = {
    name: make_call
    for module in (
        calls,
        conversation_calls,
        evaluation_calls,
        file_calls,
        knowledge_calls,
        people_calls,
        vocabulary_calls,
        webhook_calls,
        workflow_calls,
    )
    for name, make_call in vars(module).items()
    if getattr(make_call, "__module__", "") == module.__name__ and not name.startswith("_")
}
SERVICES = sorted(services(), key=lambda service: service.__name__)
# Their callers check permissions.
UNCHECKED = {
    "accept_invitation",
    "account_for",
    "add_passkey",
    "add_version",
    "change_password",
    "create_tenant",
    "delete_parts",
    "end_deliveries",
    "end_session",
    "end_sessions",
    "enter_code",
    "enter_passkey",
    "make_recovery_codes",
    "remove_factor",
    "request_password_link",
    "tell_own_tenants",
    "tell_tenants",
    "turn_on",
    "may_decide",
    "charge_with_event",
    "record",
    "record_charged",
    "record_each",
    "record_refused_sign_on",
    "record_confirmation",
    "record_sign_in",
    "record_sign_out",
    "revoke_keys_of",
    "revoke_keys_bound_to",
    "set_document_tags",
    "store_password",
    "end_factors_of_others",
    "switch_off_rules",
}
OPEN_TO_VIEWERS = {
    "delete_view",
    "draw_page",
    "open_original",
    "record_document_reads",
    "save_view",
    "try_rule",
    *vars(conversation_calls),
} - {
    "compare_instructions",
    "prepare_assistant",
}
RESTRICTED = [service for service in SERVICES if service.__name__ not in UNCHECKED | OPEN_TO_VIEWERS]
by_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.__name__)


@pytest.fixture
def call_context(module_owner: Person, tmp_path: Path) -> CallContext:
    reference = get_or_create_reference(actor=module_owner.actor, workspace="Main", reference="Files")
    with tenant_scope(module_owner.tenant_id):
        workspace = reference.workspace
    return CallContext(actor=module_owner.actor, workspace=workspace, reference=reference, folder=tmp_path)


def call_of(service: Service, call_context: CallContext) -> Call:
    call: Call = CALLS[service.__name__](replace(call_context, key=uuid4().hex))
    return call


def events() -> int:
    """Return the number of events of the platform and in all tenants, which the tables' owner can count."""
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', true)", [PLATFORM_VARIABLE])
        cursor.execute("SELECT (SELECT count(*) FROM audit_logs) + (SELECT count(*) FROM platform_events)")
        return int(cursor.fetchone()[0])


@pytest.fixture(scope="module")
def counted() -> Counter[str]:
    """The number of calls after which the log was correct."""
    return Counter()


class CallFinishedError(Exception):
    """Rolls back a finished call."""


def test_every_service_has_a_call():
    assert set(CALLS) == {service.__name__ for service in SERVICES}


@by_service
def test_call_records_its_event(service: Service, call_context: CallContext, counted: Counter[str]):
    call, before = call_of(service, call_context), events()
    assert call.is_done is None or not call.is_done()
    call.make()
    assert events() - before == call.events
    assert call.is_done is None or call.is_done()
    counted["made"] += 1


@by_service
def test_rolled_back_call_records_nothing(service: Service, call_context: CallContext, counted: Counter[str]):
    call, before = call_of(service, call_context), events()
    with pytest.raises((CallFinishedError, NestedTenantScopeError)), call_context.scope():
        call.make()
        raise CallFinishedError
    assert events() == before
    assert call.is_done is None or not call.is_done()
    counted["rolled back"] += 1


@pytest.mark.parametrize("service", RESTRICTED, ids=lambda service: service.__name__)
def test_refused_call_records_nothing(service: Service, call_context: CallContext, counted: Counter[str]):
    viewer = replace(call_context.actor, role=Role.VIEWER, kind=ActorKind.USER)
    call, before = call_of(service, replace(call_context, actor=viewer)), events()
    with pytest.raises(ForbiddenError):
        call.make()
    assert events() == before
    assert call.is_done is None or not call.is_done()
    counted["refused"] += 1


def test_a_killed_call_leaves_both_or_neither(
    call_context: CallContext, size: Size, counted: Counter[str], measured: list[Row]
):
    random, kills, done, inconsistent = Random(SEED), 0, 0, []
    for service in random.sample(SERVICES, size(8, len(SERVICES))):
        seconds = _seconds(call_of(service, call_context))
        for _ in range(size(1, 20)):
            call, before = call_of(service, call_context), events()
            process = killable.start(call.make)
            time.sleep(random.uniform(0, 1.5 * seconds))
            kills += process.kill()
            left = events() - before
            done += bool(left)
            if left not in (0, call.events) or (
                call.is_done and call.events and call.is_done() != bool(left)
            ):
                inconsistent.append((service.__name__, left))
    assert inconsistent == []
    assert verify(call_context.actor.tenant_id).problem is None
    measured += [
        {
            "What": f"calls of {len(SERVICES)} services: each has its event, and none what was undone or refused",
            "Measured": ", ".join(f"{count} {what}" for what, count in counted.items()),
            "Target": "all",
        },
        {
            "What": f"changes without their event, or events without their change, of {len(SERVICES)} services",
            "Measured": f"0 in {kills:,} kills ({done:,} of the calls had come to their end)",
            "Target": "0",
        },
    ]


def _seconds(call: Call) -> float:
    begun = time.monotonic()
    call.make()
    return time.monotonic() - begun
