# The change of a reference's embedding model.

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
        ("knowledge", "0004_chunk_language"),
        ("tenants", "0008_what_keys_make"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reembedding",
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
                (
                    "reference",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="reembeddings",
                        to="knowledge.reference",
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
                ("from_model", models.CharField(max_length=255)),
                ("to_model", models.CharField(max_length=255)),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("embed", "Embedding"),
                            ("check", "Checking the recall"),
                            ("refused", "Refused by the check"),
                            ("keep", "Switched; the old vectors are kept"),
                            ("remove", "Removing the other vectors"),
                        ],
                        default="embed",
                        max_length=16,
                    ),
                ),
                ("questions", models.PositiveIntegerField(default=0)),
                ("found_before", models.PositiveIntegerField(blank=True, null=True)),
                ("found_after", models.PositiveIntegerField(blank=True, null=True)),
                ("is_accepted", models.BooleanField(default=False, verbose_name="accepted")),
                ("switched_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "reembeddings",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "waiting", "done", "error", "cancelled"])
                        ),
                        name="reembeddings_state_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("available_at__isnull", False),
                            models.Q(("state__in", ["queued", "running"]), _negated=True),
                            _connector="OR",
                        ),
                        name="reembeddings_available_at_given",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("queued", "running", "waiting"))),
                        fields=("reference",),
                        name="reembeddings_reference_unfinished_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stage__in", ["embed", "check", "refused", "keep", "remove"])),
                        name="reembeddings_stage_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "reference", also=(), name="reembeddings_reference_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="reembeddings_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="reembeddings_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_reembeddings_tenant_created"
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state__in", ("queued", "running", "waiting"))),
                        fields=["tenant", "in_background", "available_at"],
                        name="idx_reembeddings_unfinished",
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state", "running")),
                        fields=["tenant", "available_at"],
                        name="idx_reembeddings_running",
                    ),
                    core.isolation.fields.NamedIndex(
                        fields=["reference"], name="idx_reembeddings_reference_id"
                    ),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="ingestionjob",
            name="ingestion_jobs_document_generation_key",
        ),
        migrations.RemoveConstraint(
            model_name="ingestionjob",
            name="ingestion_jobs_kind_valid",
        ),
        migrations.AlterField(
            model_name="ingestionjob",
            name="kind",
            field=models.CharField(
                choices=[("ingest", "Ingest"), ("purge", "Purge"), ("reembed", "Reembed")],
                default="ingest",
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="ingestionjob",
            index=core.isolation.fields.NamedIndex(
                fields=["document"], name="idx_ingestion_jobs_document_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="ingestionjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "reembed"), _negated=True),
                fields=("document", "generation", "kind"),
                name="ingestion_jobs_document_generation_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="ingestionjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "reembed"), ("state__in", ("queued", "running", "waiting"))),
                fields=("document",),
                name="ingestion_jobs_document_reembed_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="ingestionjob",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["ingest", "purge", "reembed"])),
                name="ingestion_jobs_kind_valid",
            ),
        ),
        job_table_lookup("reembeddings"),
    ]
