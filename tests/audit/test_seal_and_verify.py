"""The audit log's chain: verification finds every change made inside the database, and raises no false alarm."""

import json
import threading
from contextlib import contextmanager, suppress
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from audit import chain_heads
from audit.chain_heads import AuditAnchorError
from audit.models import AuditLog, AuditSeal
from audit.sealing import seal
from audit.services import record
from audit.tasks import seal_all
from audit.verification import verify
from core.actors import command_actor
from core.isolation.scope import tenant_scope
from core.models import new_id

FOREIGN_KEY = (
    "ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_audit_log_same_tenant FOREIGN KEY (tenant_id, audit_log_id) "
    "REFERENCES audit_logs (tenant_id, id) ON DELETE RESTRICT NOT VALID"
)
UNIQUE = "ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_sequence_key UNIQUE (tenant_id, sequence)"
EVENTS = 20


def add_events(tenant, count):
    """Return the events' ids in their order."""
    with tenant_scope(tenant):
        return [record(actor=command_actor(tenant, "test"), action="test.done", n=n).pk for n in range(count)]


def events_of(tenant):
    with tenant_scope(tenant):
        return [*AuditLog.objects.all()]


@pytest.fixture
def chain(tenant):
    """{number: id} of a sealed chain's events; the first are those of the tenant's creation."""
    add_events(tenant, EVENTS - len(events_of(tenant)))
    assert seal(tenant) == EVENTS
    with tenant_scope(tenant):
        return dict(AuditSeal.objects.order_by("sequence").values_list("sequence", "audit_log_id"))


@pytest.fixture
def tamper(table_owner, tenant):
    """`with tamper() as cursor:` is a transaction of the tables' owner without any protection. After the test, seals without
    an event are deleted, so that the constraints can be restored."""

    @contextmanager
    def unprotected():
        with table_owner(tenant) as cursor:
            for table in ("audit_logs", "audit_seals"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute("ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_audit_log_same_tenant")
            yield cursor
            for table in ("audit_logs", "audit_seals"):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            cursor.execute(FOREIGN_KEY)

    yield unprotected
    with unprotected() as cursor:
        cursor.execute("DELETE FROM audit_seals WHERE audit_log_id NOT IN (SELECT id FROM audit_logs)")
    with table_owner(tenant) as cursor:
        cursor.execute("ALTER TABLE audit_seals VALIDATE CONSTRAINT audit_seals_audit_log_same_tenant")


def found(tenant):
    problem = verify(tenant).problem
    return problem and (problem.kind, problem.sequence, problem.event)


def test_untouched_log_has_no_problem(tenant, chain):
    report = verify(tenant)
    assert (report.events, report.unsealed, report.problem) == (EVENTS, 0, None)
    assert sorted(chain) == list(range(1, EVENTS + 1))


def test_unsealed_events_are_no_problem(tenant, chain):
    add_events(tenant, 3)
    report = verify(tenant)
    assert (report.events, report.unsealed, report.problem) == (EVENTS + 3, 3, None)
    assert (seal(tenant), seal(tenant)) == (3, 0)
    assert verify(tenant).unsealed == 0


def test_log_that_was_never_sealed_has_no_problem(tenant):
    assert (verify(tenant).problem, verify(tenant).unsealed) == (None, len(events_of(tenant)))


@pytest.mark.parametrize(
    "payload",
    [
        {"f": 1e16},
        {"f": -0.0},
        {"f": 1e-7},
        {"f": 3.0},
        {"f": 0.1},
        {"b": 1, "a": [True, None]},
        {"ü": "\x1f'\"\\"},
    ],
)
def test_payload_that_jsonb_normalises_has_no_problem(tenant, payload):
    with tenant_scope(tenant):
        record(actor=command_actor(tenant, "test"), action="test.done", **payload)
    seal(tenant)
    assert verify(tenant).problem is None


@pytest.mark.parametrize(
    "change",
    [
        "action = 'test.forged'",
        "payload_json = '{}'",
        "user_id = gen_random_uuid()",
        "object_id = gen_random_uuid()",
        "object_type = 'x'",
        "workspace_id = gen_random_uuid()",
        "created_at = created_at - interval '1 microsecond'",
        "digest = repeat('0', 64)",
    ],
)
def test_edited_event_is_found(tenant, chain, tamper, change):
    with tamper() as cursor:
        cursor.execute(f"UPDATE audit_logs SET {change} WHERE id IN (%s, %s)", [chain[7], chain[12]])
        assert cursor.rowcount == 2
    assert found(tenant) == ("edited", 7, chain[7])


def test_deleted_event_is_found(tenant, chain, tamper):
    with tamper() as cursor:
        cursor.execute("DELETE FROM audit_logs WHERE id = %s", [chain[7]])
    assert found(tenant) == ("deleted", 7, chain[7])


def test_event_deleted_with_its_seal_is_found(tenant, chain, tamper):
    with tamper() as cursor:
        cursor.execute("DELETE FROM audit_seals WHERE audit_log_id = %s", [chain[7]])
        cursor.execute("DELETE FROM audit_logs WHERE id = %s", [chain[7]])
    assert found(tenant) == ("deleted", 7, None)


def test_deleted_range_is_found(tenant, chain, tamper):
    with tamper() as cursor:
        cursor.execute("DELETE FROM audit_seals WHERE sequence BETWEEN 5 AND 11")
        cursor.execute("DELETE FROM audit_logs WHERE id = ANY(%s)", [[chain[n] for n in range(5, 12)]])
    assert found(tenant) == ("deleted", 5, None)


def test_renumbered_gap_is_found(tenant, chain, tamper):
    with tamper() as cursor:
        cursor.execute("DELETE FROM audit_seals WHERE sequence = 5")
        cursor.execute("DELETE FROM audit_logs WHERE id = %s", [chain[5]])
        for number in range(6, EVENTS + 1):
            cursor.execute("UPDATE audit_seals SET sequence = sequence - 1 WHERE sequence = %s", [number])
    assert found(tenant) == ("moved", 5, chain[6])


def forge_event(cursor, like):
    """Insert a copy of an event; return its id."""
    event_id = new_id()
    cursor.execute(
        "INSERT INTO audit_logs SELECT (jsonb_populate_record(a, jsonb_build_object('id', %s::text))).* "
        "FROM audit_logs a WHERE id = %s",
        [event_id, like],
    )
    assert cursor.rowcount == 1
    return event_id


def test_inserted_event_is_found(tenant, chain, tamper):
    with tamper() as cursor:
        event_id = forge_event(cursor, like=chain[3])
    assert found(tenant) == ("forged", None, event_id)
    seal(tenant)
    assert found(tenant) == ("edited", EVENTS + 1, event_id)


def test_first_of_swapped_events_is_found(tenant, chain, tamper):
    with tamper() as cursor:
        cursor.execute("UPDATE audit_seals SET sequence = -1 WHERE sequence = 6")
        cursor.execute("UPDATE audit_seals SET sequence = 6 WHERE sequence = 9")
        cursor.execute("UPDATE audit_seals SET sequence = 9 WHERE sequence = -1")
    assert found(tenant) == ("moved", 6, chain[9])


def test_first_event_swapped_under_its_seal_is_found(tenant, chain, tamper):
    with tamper() as cursor:
        swap = "UPDATE audit_seals SET audit_log_id = %s WHERE sequence = %s"
        for event, sequence in ((new_id(), 6), (chain[6], 9), (chain[9], 6)):
            cursor.execute(swap, [event, sequence])
    assert found(tenant) == ("moved", 6, chain[9])


@pytest.mark.parametrize("kept", [0, 1, 15, EVENTS - 1])
def test_truncated_log_is_found_and_not_sealed(tenant, chain, tamper, kept):
    with tamper() as cursor:
        cursor.execute("DELETE FROM audit_seals WHERE sequence > %s", [kept])
        cursor.execute(
            "DELETE FROM audit_logs WHERE NOT id = ANY(%s)", [[chain[n] for n in range(1, kept + 1)]]
        )
    assert found(tenant) == ("cut", kept + 1, None)
    add_events(tenant, 1)
    with pytest.raises(AuditAnchorError, match="does not go on from what was sealed before"):
        seal(tenant)
    assert found(tenant) == ("cut", kept + 1, None)


def test_truncated_log_with_a_forged_anchor_is_found(tenant, chain, tamper):
    path = chain_heads.path_of(tenant)
    kept = path.read_bytes()
    with tamper() as cursor:
        cursor.execute("DELETE FROM audit_seals WHERE sequence > 15")
        cursor.execute("DELETE FROM audit_logs WHERE id = %s", [chain[17]])
    with tenant_scope(tenant):
        last = AuditSeal.objects.order_by("sequence").values_list("sequence", "seal")[14]
    path.unlink()
    chain_heads.write(tenant, chain_heads.ChainHead(*last))
    add_events(tenant, 1)
    assert seal(tenant) == 5
    path.write_bytes(kept)
    assert found(tenant) == ("replaced", EVENTS, None)


def test_a_forked_chain_is_found(tenant, chain, tamper):
    [event_id] = add_events(tenant, 1)
    with tamper() as cursor:
        cursor.execute("ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_sequence_key")
        cursor.execute(
            "INSERT INTO audit_seals (id, created_at, sequence, seal, audit_log_id, tenant_id) "
            "SELECT gen_random_uuid(), now(), 8, seal, %s, tenant_id FROM audit_seals "
            "WHERE sequence = 8 AND tenant_id = %s",
            [event_id, tenant],
        )
    try:
        assert found(tenant) == ("forked", 8, event_id)
    finally:
        with tamper() as cursor:
            cursor.execute("DELETE FROM audit_seals WHERE audit_log_id = %s", [event_id])
            cursor.execute(UNIQUE)


def test_a_missing_or_changed_anchor_is_found(tenant, chain):
    path = chain_heads.path_of(tenant)
    content = path.read_text()
    path.write_text(content.replace(f'"sequence": {EVENTS}', f'"sequence": {EVENTS - 1}'))
    assert found(tenant)[0] == "anchor"
    path.write_text("")
    assert found(tenant)[0] == "anchor"
    path.unlink()
    assert "is missing: restore it from a backup" in str(verify(tenant).problem)
    add_events(tenant, 1)
    with pytest.raises(AuditAnchorError):
        seal(tenant)


def test_crash_before_writing_the_anchor_is_no_problem(tenant, chain, monkeypatch):
    head = chain_heads.read(tenant)
    add_events(tenant, 2)
    with monkeypatch.context() as patch:
        patch.setattr("audit.sealing.chain_heads.write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            seal(tenant)
    assert chain_heads.read(tenant) == head
    assert verify(tenant).problem is None
    add_events(tenant, 1)
    assert seal(tenant) == 1
    assert chain_heads.read(tenant) != head
    assert verify(tenant).problem is None


def test_anchor_does_not_go_back(tenant, chain):
    """Of two processes that seal one after the other, the first one may write its anchor last."""
    before = chain_heads.read(tenant)
    chain_heads.write(tenant, chain_heads.ChainHead(EVENTS - 1, "0" * 64))
    assert chain_heads.read(tenant) == before


def test_an_event_that_commits_late_is_sealed_after_the_others(tenant, chain):
    with tenant_scope(tenant):
        late = record(actor=command_actor(tenant, "test"), action="test.late")
        in_thread(lambda: (add_events(tenant, 2), seal(tenant)))
    assert seal(tenant, since=timezone.now()) == 0
    assert seal(tenant) == 1
    with tenant_scope(tenant):
        assert AuditSeal.objects.get(audit_log=late.pk).sequence == EVENTS + 3
    assert verify(tenant).problem is None


def in_thread(work):
    failures = []

    def run():
        try:
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert failures == []


def test_concurrent_writers_sealers_and_verifiers_find_no_problem(tenant):
    before = len(events_of(tenant))

    def work():
        for _ in range(5):
            add_events(tenant, 4)
            seal(tenant)
            assert verify(tenant).problem is None

    threads = [threading.Thread(target=in_thread, args=[work]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal(tenant)
    report = verify(tenant)
    assert (report.events, report.unsealed, report.problem) == (before + 80, 0, None)


def test_applications_role_cannot_change_or_delete(tenant, chain):
    for statement in ("UPDATE {} SET created_at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
        for table in ("audit_logs", "audit_seals"):
            denied = pytest.raises(DatabaseError, match="permission denied")
            with denied, tenant_scope(tenant), connection.cursor() as cursor:
                cursor.execute(statement.format(table))


def test_trigger_stops_the_owners_role(tenant, chain, table_owner):
    with pytest.raises(DatabaseError, match="audit_logs is append-only"), table_owner(tenant) as cursor:
        cursor.execute("UPDATE audit_logs SET action = 'x'")


def test_event_is_rolled_back_with_its_change(tenant):
    before = events_of(tenant)
    with pytest.raises(ZeroDivisionError), tenant_scope(tenant):
        record(actor=command_actor(tenant, "test"), action="test.done")
        raise ZeroDivisionError
    assert events_of(tenant) == before


def test_task_seals_every_tenant_despite_a_broken_one(tenant, stranger, caplog):
    seal_all()
    assert (verify(tenant).unsealed, verify(stranger.tenant_id).unsealed) == (0, 0)
    chain_heads.path_of(tenant).unlink()
    add_events(tenant, 1)
    add_events(stranger.tenant_id, 1)
    seal_all()
    assert (verify(tenant).unsealed, verify(stranger.tenant_id).unsealed) == (1, 0)
    assert f"the audit log of {tenant} cannot be sealed" in caplog.text


def test_the_command_seals_and_reports_each_tenant(tenant, stranger):
    stdout = StringIO()
    events = {one: len(events_of(one)) for one in (tenant, stranger.tenant_id)}
    with suppress(CommandError):  # for tenants of other tests, whose logs are tampered with
        call_command("verify_audit", "--all-tenants", json=True, stdout=stdout)
    reports = {report["tenant_id"]: report for report in json.loads(stdout.getvalue())}
    for one in (tenant, stranger.tenant_id):
        expected = {"events": events[one], "unsealed": events[one], "problem": None}
        assert reports[str(one)] == {"tenant_id": str(one), **expected}
        assert verify(one).unsealed == 0


def test_the_command_fails_and_names_the_first_bad_row(tenant, chain, tamper):
    with tamper() as cursor:
        cursor.execute("UPDATE audit_logs SET action = 'x' WHERE id = %s", [chain[4]])
    stdout = StringIO()
    with pytest.raises(CommandError, match=rf"Event #4 \({chain[4]}\) was edited"):
        call_command("verify_audit", tenant=str(tenant), json=True, stdout=stdout)
    assert json.loads(stdout.getvalue())["problem"]["sequence"] == 4
