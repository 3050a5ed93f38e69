"""The audit log: append-only tables, and whose events have no seal yet."""

import django.db.models.deletion
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.fields
import core.isolation.scope
import core.models
from core.isolation.migrations import lookup_function

# A short index scan for each tenant: the OFFSET keeps PostgreSQL from joining all events of all tenants.
UNSEALED = """
SELECT t.id FROM tenants t WHERE EXISTS (
    SELECT FROM audit_logs a
    WHERE a.tenant_id = t.id AND a.created_at >= coalesce(since, '-infinity') AND NOT EXISTS (
        SELECT FROM audit_seals s WHERE s.tenant_id = a.tenant_id AND s.audit_log_id = a.id
    )
    ORDER BY a.created_at DESC LIMIT 1 OFFSET 0
)
"""
# Rows are added and read, never changed: by grant, and by a trigger in case a grant is ever given.
APPEND_ONLY = """
CREATE FUNCTION oyl_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""
PROTECT = """
REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM oyl_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION oyl_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION oyl_append_only();
"""
EXPOSE = "DROP TRIGGER append_only ON {table}; DROP TRIGGER append_only_truncate ON {table};"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditLog",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("workspace_id", models.UUIDField(blank=True, null=True)),
                ("user_id", models.UUIDField(blank=True, null=True)),
                ("action", models.CharField(max_length=64)),
                ("object_type", models.CharField(blank=True, max_length=64)),
                ("object_id", models.UUIDField(blank=True, null=True)),
                ("payload_json", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(editable=False)),
                ("digest", models.CharField(editable=False, max_length=64)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=core.isolation.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "audit_logs",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="audit_logs_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="audit_logs_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_audit_logs_tenant_created"
                    ),
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "object_id"], name="idx_audit_logs_tenant_object"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("sequence", models.BigIntegerField()),
                ("seal", models.CharField(max_length=64)),
                (
                    "audit_log",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="audit.auditlog",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=core.isolation.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "audit_seals",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "sequence"), name="audit_seals_sequence_key"),
                    models.UniqueConstraint(fields=("tenant", "audit_log"), name="audit_seals_audit_log_key"),
                    core.isolation.constraints.SameTenant(
                        "audit_log", also=(), name="audit_seals_audit_log_same_tenant", on_delete="RESTRICT"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="audit_seals_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="audit_seals_tenant_id_key"),
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION oyl_append_only();"),
        *(
            migrations.RunSQL(PROTECT.format(table=table), EXPOSE.format(table=table))
            for table in ("audit_logs", "audit_seals")
        ),
        lookup_function(
            "oyl_tenants_with_unsealed_events(since timestamptz)",
            returns="SETOF uuid",
            body=UNSEALED,
            reads={
                "tenants": ("id",),
                "audit_logs": ("tenant_id", "id", "created_at"),
                "audit_seals": ("tenant_id", "audit_log_id"),
            },
            policies=("tenants", "audit_logs", "audit_seals"),
        ),
    ]
