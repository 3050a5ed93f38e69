# Queries of databases, which keep the rows of data sources.

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.fields
import core.isolation.scope
import core.models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0010_second_factors"),
        ("workspaces", "0004_data_imports"),
    ]

    operations = [
        migrations.CreateModel(
            name="DatabaseQuery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "sql",
                    models.TextField(
                        help_text="One SELECT in the database's own dialect. Its columns become those of the data source.",
                        verbose_name="SQL",
                    ),
                ),
                (
                    "every_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How often it runs by itself, in minutes. Empty: only when you say so.",
                        null=True,
                    ),
                ),
                (
                    "data_source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="database_queries",
                        to="workspaces.datasource",
                    ),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="database_queries",
                        to="workspaces.integrationconfig",
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
                "verbose_name_plural": "database queries",
                "db_table": "database_queries",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("data_source",),
                        name="database_queries_data_source_alive_key",
                        violation_error_message="There is one of this data_source already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("every_minutes", None), ("every_minutes__gte", 5), _connector="OR"
                        ),
                        name="database_queries_every_minutes_valid",
                        violation_error_message="A query runs every 5 minutes at most.",
                    ),
                    core.isolation.constraints.SameTenant(
                        "data_source",
                        also=(),
                        name="database_queries_data_source_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.SameTenant(
                        "integration",
                        also=(),
                        name="database_queries_integration_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="database_queries_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="database_queries_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["data_source"], name="idx_database_queries_data_source_id"
                    ),
                    core.isolation.fields.NamedIndex(
                        fields=["integration"], name="idx_database_queries_integration_id"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name="dataimport",
            name="query",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="imports",
                to="workspaces.databasequery",
            ),
        ),
        migrations.AddIndex(
            model_name="dataimport",
            index=core.isolation.fields.NamedIndex(fields=["query"], name="idx_data_imports_query_id"),
        ),
        migrations.AddConstraint(
            model_name="dataimport",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("queued", "running", "waiting"))),
                fields=("query",),
                name="data_imports_query_unfinished_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="dataimport",
            constraint=core.isolation.constraints.SameTenant(
                "query", also=(), name="data_imports_query_same_tenant", on_delete="CASCADE"
            ),
        ),
    ]
