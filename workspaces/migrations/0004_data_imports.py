# Rows of data sources, and the imports that make them.

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.fields
import core.isolation.scope
import core.models
from jobs.lookup import job_table_lookup


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0008_what_keys_make"),
        ("workspaces", "0003_integration_types"),
    ]

    operations = [
        migrations.AddField(
            model_name="datasource",
            name="description",
            field=models.TextField(
                blank=True, help_text="What a row is, for people and for models that write queries."
            ),
        ),
        migrations.AddField(
            model_name="datasource",
            name="file_path",
            field=models.CharField(blank=True, editable=False, max_length=255),
        ),
        migrations.AddField(
            model_name="datasource",
            name="generation",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="datasource",
            name="imported_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="datasource",
            name="options_json",
            field=models.JSONField(blank=True, default=dict, editable=False, verbose_name="how it is read"),
        ),
        migrations.AddField(
            model_name="datasource",
            name="profile_json",
            field=models.JSONField(blank=True, default=list, editable=False, verbose_name="profile"),
        ),
        migrations.AddField(
            model_name="datasource",
            name="size_bytes",
            field=models.PositiveBigIntegerField(default=0, editable=False),
        ),
        migrations.CreateModel(
            name="DataImport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("waiting", "Waiting"),
                            ("done", "Done"),
                            ("error", "Error"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("in_background", models.BooleanField(default=False)),
                (
                    "available_at",
                    models.DateTimeField(
                        blank=True, db_default=django.db.models.functions.datetime.Now(), null=True
                    ),
                ),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error_detail", models.TextField(blank=True)),
                (
                    "timings_json",
                    models.JSONField(blank=True, default=dict, verbose_name="seconds per stage"),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("filename", models.CharField(max_length=255)),
                ("source_path", models.CharField(blank=True, max_length=255)),
                ("size_bytes", models.PositiveBigIntegerField(default=0)),
                ("options_json", models.JSONField(blank=True, default=dict, verbose_name="options")),
                ("recognised_json", models.JSONField(blank=True, default=dict, verbose_name="recognised")),
                ("generation", models.PositiveIntegerField(default=0)),
                ("row_count", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "errors_json",
                    models.JSONField(blank=True, default=list, verbose_name="cells that cannot be read"),
                ),
                ("warnings_json", models.JSONField(blank=True, default=list, verbose_name="warnings")),
                ("stage", models.CharField(blank=True, max_length=32)),
                (
                    "data_source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="imports",
                        to="workspaces.datasource",
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
                "db_table": "data_imports",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_data_imports_tenant_created"
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state__in", ("queued", "running", "waiting"))),
                        fields=["tenant", "in_background", "available_at"],
                        name="idx_data_imports_unfinished",
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state", "running")),
                        fields=["tenant", "available_at"],
                        name="idx_data_imports_running",
                    ),
                    core.isolation.fields.NamedIndex(
                        fields=["data_source", "-created_at"], name="idx_data_imports_source_created"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "waiting", "done", "error", "cancelled"])
                        ),
                        name="data_imports_state_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("available_at__isnull", False),
                            models.Q(("state__in", ["queued", "running"]), _negated=True),
                            _connector="OR",
                        ),
                        name="data_imports_available_at_given",
                    ),
                    core.isolation.constraints.SameTenant(
                        "data_source",
                        also=(),
                        name="data_imports_data_source_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="data_imports_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="data_imports_tenant_id_key"),
                ],
            },
        ),
        job_table_lookup("data_imports"),
    ]
