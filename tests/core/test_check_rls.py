"""`check_rls` finds nothing in the migrated schema, and every defect of a new table."""

import json
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from audit.apps import AuditConfig
from core.apps import CoreConfig
from core.isolation import check

PARENT = "workspaces"
POLICY = check.EXPECTED_POLICY.format(column="tenant_id")
GOOD = {
    "table": """CREATE TABLE wild (
        id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants (id), workspace_id uuid NOT NULL)""",
    "key": f"ALTER TABLE wild ADD FOREIGN KEY (tenant_id, workspace_id) REFERENCES {PARENT} (tenant_id, id)",
    "index": "CREATE INDEX ON wild (tenant_id, workspace_id)",
    "enable": "ALTER TABLE wild ENABLE ROW LEVEL SECURITY",
    "force": "ALTER TABLE wild FORCE ROW LEVEL SECURITY",
    "policy": f"CREATE POLICY tenant_isolation ON wild USING ({POLICY}) WITH CHECK ({POLICY})",
}


@contextmanager
def created_by_owner(statements):
    """Execute the statements as the tables' owner; drop what they create after the block."""
    with connections["owner"].cursor() as cursor:
        try:
            for statement in statements:
                cursor.execute(statement)
            yield
        finally:
            cursor.execute("DROP TABLE IF EXISTS wild CASCADE")
            cursor.execute("DROP FUNCTION IF EXISTS wild_function")


def findings():
    return {(finding.rule, finding.where) for finding in check.check()}


def test_migrated_schema_has_no_findings(database):
    assert check.check() == []


def test_report_counts_the_tables(database):
    report = json.loads(output())
    assert report["findings"] == []
    assert report["tables"] >= 25


def output():
    stdout = StringIO()
    call_command("check_rls", json=True, stdout=stdout)
    return stdout.getvalue()


def test_complete_table_has_no_findings(database):
    with created_by_owner(GOOD.values()):
        assert findings() == set()


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"enable": ""}, {"rls_off"}),
        ({"force": ""}, {"rls_not_forced"}),
        ({"policy": ""}, {"policy_missing"}),
        ({"policy": "CREATE POLICY tenant_isolation ON wild USING (true)"}, {"policy_changed"}),
        (
            {"policy": GOOD["policy"].replace("USING", "FOR SELECT USING").split(" WITH")[0]},
            {"policy_changed"},
        ),
        ({"policy": GOOD["policy"].replace(" WITH CHECK", " --")}, {"policy_changed"}),
        ({"policy": GOOD["policy"] + "; CREATE POLICY more ON wild USING (true)"}, {"policy_unknown"}),
        ({"policy": GOOD["policy"].replace(" USING", " TO oyl_app USING")}, {"policy_changed"}),
        (
            {"key": f"ALTER TABLE wild ADD FOREIGN KEY (workspace_id) REFERENCES {PARENT} (id)"},
            {"fk_not_composite"},
        ),
        ({"key": GOOD["key"] + " NOT VALID"}, {"fk_not_valid"}),
        ({"table": GOOD["table"].replace("REFERENCES tenants (id)", "")}, {"tenant_fk_missing"}),
        ({"table": GOOD["table"].replace("uuid NOT NULL REF", "uuid REF")}, {"tenant_id_nullable"}),
        ({"index": ""}, {"no_index", "fk_not_indexed"}),
        ({"index": "CREATE INDEX ON wild (tenant_id)"}, {"fk_not_indexed"}),
        ({"index": "CREATE INDEX ON wild (workspace_id)"}, {"no_index"}),
        ({"index": GOOD["index"] + " WHERE workspace_id IS NULL"}, {"no_index", "fk_not_indexed"}),
        ({"grant": "GRANT TRUNCATE ON wild TO oyl_app"}, {"grant"}),
        ({"grant": "GRANT TRIGGER ON wild TO PUBLIC"}, {"grant"}),
    ],
)
def test_each_defect_of_a_table_is_found(database, changes, rules):
    with created_by_owner(filter(None, {**GOOD, **changes}.values())):
        assert findings() == {(rule, "wild") for rule in rules}


def test_table_without_a_tenant_is_found(database):
    with created_by_owner(["CREATE TABLE wild (id uuid PRIMARY KEY)"]):
        assert ("no_tenant_id", "wild") in findings()
        with pytest.raises(CommandError, match="Tenants are not isolated"):
            output()


def test_shared_table_that_refers_to_a_tenants_table_is_found(database, monkeypatch):
    shared = {**CoreConfig.shared_tables, "wild": "for this test"}
    monkeypatch.setattr(CoreConfig, "shared_tables", shared)
    table = f"CREATE TABLE wild (id uuid PRIMARY KEY, workspace_id uuid REFERENCES {PARENT} (id))"
    with created_by_owner([table]):
        assert ("shared", "wild") in findings()
    with created_by_owner(["CREATE TABLE wild (id uuid PRIMARY KEY, tenant_id uuid)"]):
        assert findings() == {("shared", "wild")}


def test_views_with_their_owners_rights_are_found(database):
    with created_by_owner([*GOOD.values(), "CREATE VIEW wild_view AS SELECT * FROM wild"]):
        assert findings() == {("view_not_invoker", "wild_view")}
    view = "CREATE VIEW wild_view WITH (security_invoker = true) AS SELECT * FROM wild"
    with created_by_owner([*GOOD.values(), view]):
        assert findings() == set()
    with created_by_owner([*GOOD.values(), "CREATE MATERIALIZED VIEW wild_view AS SELECT * FROM wild"]):
        assert findings() == {("materialized_view", "wild_view")}


def test_security_definer_functions_are_found(database):
    function = "CREATE FUNCTION wild_function() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"
    with created_by_owner([function]):
        assert findings() == {("security_definer", "wild_function()")}


@pytest.mark.parametrize("table", AuditConfig.privileges)
def test_right_to_change_the_audit_log_is_found(database, table):
    with connections["owner"].cursor() as cursor:
        try:
            for right in ("UPDATE", "DELETE", "UPDATE (created_at)"):
                cursor.execute(f"GRANT {right} ON {table} TO oyl_app")
                assert findings() == {("grant", table)}
                cursor.execute(f"REVOKE {right} ON {table} FROM oyl_app")
        finally:
            cursor.execute(f"REVOKE UPDATE, DELETE ON {table} FROM oyl_app")


def test_owner_role_is_unfit_for_the_application(database, monkeypatch):
    monkeypatch.setattr("core.isolation.pg_catalog.connection", connections["owner"])
    details = [finding.detail for finding in check.check() if finding.rule == "role"]
    assert any(detail.startswith("It owns") for detail in details)
    assert any("member of oyl_lookup" in detail for detail in details)
    for setting in (
        "statement_timeout",
        "track_activities",
        "log_min_error_statement",
        "log_parameter_max_length",
    ):
        assert any(detail.startswith(f"Its setting {setting} is not OYL's") for detail in details)
