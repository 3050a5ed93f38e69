import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.fields
import core.isolation.scope
import core.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
        ("workspaces", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Teammate",
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
                    "orchestration_config",
                    models.JSONField(blank=True, null=True),
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
                        related_name="teammates",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "teammates",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "workspace", "id"), name="teammates_workspace_id_key"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workspace", "name"),
                        name="teammates_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workspace", also=(), name="teammates_workspace_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="teammates_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="teammates_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(fields=["workspace"], name="idx_teammates_workspace_id")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Assistant",
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
                ("instruction", models.TextField(blank=True)),
                ("ai_instruction", models.TextField(blank=True, editable=False)),
                ("settings_json", models.JSONField(blank=True, default=dict, verbose_name="settings")),
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
                        related_name="assistants",
                        to="workspaces.workspace",
                    ),
                ),
                (
                    "teammate",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="assistants",
                        to="assistants.teammate",
                    ),
                ),
            ],
            options={
                "db_table": "assistants",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workspace", "name"),
                        name="assistants_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workspace", also=(), name="assistants_workspace_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "teammate",
                        also=("workspace_id",),
                        name="assistants_teammate_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="assistants_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="assistants_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["workspace"], name="idx_assistants_workspace_id"
                    ),
                    core.isolation.fields.NamedIndex(fields=["teammate"], name="idx_assistants_teammate_id"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Instruction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("system_prompt", models.TextField()),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "assistant",
                    models.OneToOneField(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="published_instruction",
                        to="assistants.assistant",
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
                "db_table": "instructions",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    core.isolation.constraints.SameTenant(
                        "assistant", also=(), name="instructions_assistant_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="instructions_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="instructions_tenant_id_key"),
                ],
            },
        ),
    ]
