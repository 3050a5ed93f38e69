import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import core.encryption.fields
import core.isolation.constraints
import core.isolation.fields
import core.isolation.scope
import core.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Workspace",
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
                ("name", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True)),
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
                "db_table": "workspaces",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("tenant", "name"),
                        name="workspaces_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="workspaces_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="workspaces_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(fields=["tenant"], name="idx_workspaces_tenant_id")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="IntegrationConfig",
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
                ("name", models.CharField(max_length=255)),
                (
                    "type_enum",
                    models.CharField(
                        choices=[
                            ("chat_model", "Chat model (OpenAI-compatible)"),
                            ("webhook", "Web service (HTTP)"),
                            ("email", "E-mail (SMTP)"),
                            ("storage", "Storage (S3-compatible)"),
                        ],
                        max_length=32,
                        verbose_name="type",
                    ),
                ),
                (
                    "config_encrypted_json",
                    core.encryption.fields.EncryptedJSONField(
                        blank=True, null=True, verbose_name="configuration"
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
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="integration_configs",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "integration_configs",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workspace", "name"),
                        name="integration_configs_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("type_enum__in", ["chat_model", "webhook", "email", "storage"])),
                        name="integration_configs_type_enum_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workspace",
                        also=(),
                        name="integration_configs_workspace_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="integration_configs_tenant"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant", "id"), name="integration_configs_tenant_id_key"
                    ),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["workspace"], name="idx_integration_configs_workspace_id"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="DataSource",
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
                ("name", models.CharField(max_length=255)),
                ("schema_json", models.JSONField(blank=True, default=list, verbose_name="schema")),
                ("row_count", models.PositiveBigIntegerField(default=0, editable=False)),
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
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="data_sources",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "data_sources",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workspace", "name"),
                        name="data_sources_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workspace", also=(), name="data_sources_workspace_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="data_sources_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="data_sources_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["workspace"], name="idx_data_sources_workspace_id"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
    ]
