"""The kernel's table, what the application's role may do, and which tenants there are."""

import django.db.models.deletion
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.fields
import core.isolation.scope
import core.models
from core.isolation.migrations import lookup_function

GRANTS = """
GRANT USAGE ON SCHEMA public TO oyl_app, oyl_lookup;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO oyl_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO oyl_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO oyl_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO oyl_app;
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM oyl_app;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("credential", models.CharField(max_length=64)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.CharField(max_length=64)),
                ("status", models.PositiveIntegerField(default=0)),
                ("body", models.TextField(default="")),
                ("is_stream", models.BooleanField(default=False)),
                ("is_complete", models.BooleanField(default=False)),
                ("expires_at", models.DateTimeField()),
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
                "db_table": "idempotency_keys",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "expires_at"], name="idx_idempotency_keys_expires_at"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "credential", "key"), name="idempotency_keys_key"
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="idempotency_keys_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="idempotency_keys_tenant_id_key"),
                ],
            },
        ),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
        lookup_function(
            "oyl_tenants()",
            returns="TABLE (id uuid, name text)",
            body="SELECT t.id, t.name::text FROM tenants t WHERE t.deleted_at IS NULL ORDER BY t.name",
            reads={"tenants": ("id", "name", "deleted_at")},
            policies=("tenants",),
        ),
    ]
