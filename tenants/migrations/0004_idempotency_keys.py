"""Answers to requests that clients may repeat."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.isolation
import tenants.models
import tenants.scope


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_api_key_bounds")]
    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("credential", models.CharField(max_length=64)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.CharField(max_length=64)),
                ("status", models.PositiveIntegerField()),
                ("body", models.TextField()),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=tenants.scope.current_tenant_id,
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
                    tenants.models.Index(
                        fields=["tenant", "created_at"], name="idx_idempotency_keys_created_at"
                    )
                ],
                "constraints": [
                    tenants.isolation.TenantIsolation(column="tenant_id", name="idempotency_keys_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="idempotency_keys_tenant_id_key"),
                    models.UniqueConstraint(
                        fields=("tenant", "credential", "key"), name="idempotency_keys_key"
                    ),
                ],
            },
        ),
    ]
