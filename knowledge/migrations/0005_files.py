"""Files before they are documents, batches of them, and what OpenAI's clients note of a reference."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import tenants.isolation
import tenants.models
import tenants.scope


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0004_reads"),
        ("tenants", "0004_idempotency_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="reference",
            name="metadata_json",
            field=models.JSONField(blank=True, default=dict, verbose_name="metadata"),
        ),
        migrations.CreateModel(
            name="FileBatch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "file_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reference",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="file_batches",
                        to="knowledge.reference",
                    ),
                ),
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
                "db_table": "file_batches",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [tenants.models.Index(fields=["reference"], name="idx_file_batches_reference_id")],
                "constraints": [
                    tenants.isolation.TenantIsolation(column="tenant_id", name="file_batches_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="file_batches_tenant_id_key"),
                    tenants.isolation.SameTenant(
                        "reference", also=(), name="file_batches_reference_same_tenant", on_delete="CASCADE"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("filename", models.CharField(max_length=255)),
                ("purpose", models.CharField(max_length=32)),
                ("size_bytes", models.PositiveBigIntegerField()),
                ("file_path", models.CharField(max_length=1024)),
                ("bound_id", models.UUIDField(blank=True, null=True)),
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
                "db_table": "files",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    tenants.isolation.TenantIsolation(column="tenant_id", name="files_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="files_tenant_id_key"),
                ],
            },
        ),
    ]
