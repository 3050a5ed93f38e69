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
        ("assistants", "0001_initial"),
        ("tenants", "0001_initial"),
        ("workspaces", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Workflow",
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
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="workflows",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "workflows",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="WorkflowRun",
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
                ("input_json", models.JSONField(blank=True, default=dict, verbose_name="input")),
                ("output_json", models.JSONField(blank=True, null=True, verbose_name="output")),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error_detail", models.TextField(blank=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
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
                    "workflow",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="runs",
                        to="workflows.workflow",
                    ),
                ),
            ],
            options={
                "db_table": "workflow_runs",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="WorkflowStep",
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
                ("position", models.PositiveIntegerField()),
                (
                    "type_enum",
                    models.CharField(
                        choices=[
                            ("search", "Search"),
                            ("prompt", "Prompt"),
                            ("data_query", "Data query"),
                            ("condition", "Condition"),
                            ("webhook", "Webhook"),
                        ],
                        max_length=32,
                        verbose_name="type",
                    ),
                ),
                ("instruction", models.TextField(blank=True)),
                ("config_json", models.JSONField(blank=True, default=dict, verbose_name="configuration")),
                (
                    "assistant",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
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
                (
                    "workflow",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="steps",
                        to="workflows.workflow",
                    ),
                ),
            ],
            options={
                "db_table": "workflow_steps",
                "ordering": ["position"],
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="StepRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("position", models.PositiveIntegerField()),
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
                ("output_json", models.JSONField(blank=True, null=True, verbose_name="output")),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error_detail", models.TextField(blank=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
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
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="step_runs",
                        to="workflows.workflowrun",
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="workflows.workflowstep",
                    ),
                ),
            ],
            options={
                "db_table": "step_runs",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddIndex(
            model_name="workflow",
            index=core.isolation.fields.NamedIndex(fields=["workspace"], name="idx_workflows_workspace_id"),
        ),
        migrations.AddConstraint(
            model_name="workflow",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=("workspace", "name"),
                name="workflows_name_alive_key",
                violation_error_message="There is one of this name already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="workflow",
            constraint=core.isolation.constraints.SameTenant(
                "workspace", also=(), name="workflows_workspace_same_tenant", on_delete="CASCADE"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflow",
            constraint=core.isolation.constraints.TenantIsolation(
                column="tenant_id", name="workflows_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflow",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="workflows_tenant_id_key"),
        ),
        migrations.AddIndex(
            model_name="workflowrun",
            index=core.isolation.fields.NamedIndex(
                fields=["workflow", "state"], name="idx_workflow_runs_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running", "waiting", "done", "error", "cancelled"])
                ),
                name="workflow_runs_state_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowrun",
            constraint=core.isolation.constraints.SameTenant(
                "workflow", also=(), name="workflow_runs_workflow_same_tenant", on_delete="CASCADE"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowrun",
            constraint=core.isolation.constraints.TenantIsolation(
                column="tenant_id", name="workflow_runs_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowrun",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="workflow_runs_tenant_id_key"),
        ),
        migrations.AddIndex(
            model_name="workflowstep",
            index=core.isolation.fields.NamedIndex(
                fields=["workflow"], name="idx_workflow_steps_workflow_id"
            ),
        ),
        migrations.AddIndex(
            model_name="workflowstep",
            index=core.isolation.fields.NamedIndex(
                fields=["assistant"], name="idx_workflow_steps_assistant_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowstep",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=("workflow", "position"),
                name="workflow_steps_position_alive_key",
                violation_error_message="There is one of this position already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("type_enum__in", ["search", "prompt", "data_query", "condition", "webhook"])
                ),
                name="workflow_steps_type_enum_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowstep",
            constraint=core.isolation.constraints.SameTenant(
                "workflow", also=(), name="workflow_steps_workflow_same_tenant", on_delete="CASCADE"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowstep",
            constraint=core.isolation.constraints.SameTenant(
                "assistant", also=(), name="workflow_steps_assistant_same_tenant", on_delete="SET NULL"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowstep",
            constraint=core.isolation.constraints.TenantIsolation(
                column="tenant_id", name="workflow_steps_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowstep",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="workflow_steps_tenant_id_key"),
        ),
        migrations.AddIndex(
            model_name="steprun",
            index=core.isolation.fields.NamedIndex(fields=["step"], name="idx_step_runs_step_id"),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=models.UniqueConstraint(fields=("run", "position"), name="step_runs_position_key"),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running", "waiting", "done", "error", "cancelled"])
                ),
                name="step_runs_state_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=core.isolation.constraints.SameTenant(
                "run", also=(), name="step_runs_run_same_tenant", on_delete="CASCADE"
            ),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=core.isolation.constraints.SameTenant(
                "step", also=(), name="step_runs_step_same_tenant", on_delete="CASCADE"
            ),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=core.isolation.constraints.TenantIsolation(
                column="tenant_id", name="step_runs_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="step_runs_tenant_id_key"),
        ),
    ]
