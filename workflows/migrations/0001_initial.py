import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.manager
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.fields
import core.isolation.scope
import core.models
from jobs.lookup import job_table_lookup


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("assistants", "0003_strategies"),
        ("tenants", "0008_what_keys_make"),
        ("workspaces", "0002_model_prices"),
    ]

    operations = [
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
                ("number", models.PositiveIntegerField()),
                ("key", models.CharField(max_length=40)),
                (
                    "type_enum",
                    models.CharField(
                        choices=[
                            ("assistant", "Ask an assistant"),
                            ("teammate", "Ask a teammate"),
                            ("retrieve", "Search passages"),
                            ("llm", "Ask a model"),
                            ("classify", "Classify"),
                            ("extract", "Extract fields"),
                            ("condition", "Condition"),
                            ("switch", "Switch"),
                            ("transform", "New values"),
                            ("iterate", "For each item"),
                            ("parallel", "In parallel"),
                            ("sub_workflow", "Run a workflow"),
                            ("http_request", "Call a service"),
                            ("data_query", "Query a data source"),
                            ("tag", "Tag"),
                            ("ingest", "Ingest"),
                            ("notify", "Notify"),
                            ("approval", "Wait for an approval"),
                            ("wait", "Wait"),
                            ("end", "End"),
                        ],
                        max_length=32,
                        verbose_name="type",
                    ),
                ),
                ("iteration", models.PositiveIntegerField(default=1)),
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
                ("tries", models.PositiveIntegerField(default=0)),
                ("was_interrupted", models.BooleanField(default=False)),
                ("input_json", models.JSONField(blank=True, null=True, verbose_name="input")),
                ("output_json", models.JSONField(blank=True, null=True, verbose_name="output")),
                ("details_json", models.JSONField(blank=True, default=dict, verbose_name="details")),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error_detail", models.TextField(blank=True)),
                ("waits_until", models.DateTimeField(blank=True, null=True)),
                ("signal", models.CharField(blank=True, max_length=100)),
                ("answer_json", models.JSONField(blank=True, null=True, verbose_name="answer")),
                ("children_total", models.PositiveIntegerField(blank=True, null=True)),
                ("children_at_once", models.PositiveIntegerField(default=1)),
                ("children_left", models.PositiveIntegerField(default=0)),
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
            ],
            options={
                "db_table": "step_runs",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "waiting", "done", "error", "cancelled"])
                        ),
                        name="step_runs_state_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type_enum__in",
                                [
                                    "assistant",
                                    "teammate",
                                    "retrieve",
                                    "llm",
                                    "classify",
                                    "extract",
                                    "condition",
                                    "switch",
                                    "transform",
                                    "iterate",
                                    "parallel",
                                    "sub_workflow",
                                    "http_request",
                                    "data_query",
                                    "tag",
                                    "ingest",
                                    "notify",
                                    "approval",
                                    "wait",
                                    "end",
                                ],
                            )
                        ),
                        name="step_runs_type_enum_valid",
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="step_runs_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="step_runs_tenant_id_key"),
                ],
            },
        ),
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
                    "input_schema_json",
                    models.JSONField(blank=True, default=dict, verbose_name="schema of the input"),
                ),
                (
                    "output_schema_json",
                    models.JSONField(blank=True, default=dict, verbose_name="schema of the output"),
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workspace", "name"),
                        name="workflows_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workspace", also=(), name="workflows_workspace_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="workflows_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="workflows_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(fields=["workspace"], name="idx_workflows_workspace_id")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Trigger",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("schedule", "Schedule"),
                            ("webhook", "Webhook"),
                            ("document", "Document event"),
                            ("feedback", "Feedback event"),
                        ],
                        max_length=16,
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True, verbose_name="on")),
                ("config_json", models.JSONField(blank=True, default=dict, verbose_name="configuration")),
                (
                    "last_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last run"),
                ),
                (
                    "next_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="next run"),
                ),
                ("error_detail", models.TextField(blank=True, editable=False, verbose_name="last error")),
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
                        related_name="triggers",
                        to="workflows.workflow",
                    ),
                ),
            ],
            options={
                "db_table": "triggers",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workflow", "name"),
                        name="triggers_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["schedule", "webhook", "document", "feedback"])),
                        name="triggers_kind_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workflow", also=(), name="triggers_workflow_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="triggers_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="triggers_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(fields=["workflow"], name="idx_triggers_workflow_id")
                ],
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
                    "started_by",
                    models.CharField(
                        choices=[
                            ("person", "A person"),
                            ("api", "The API"),
                            ("command", "A command"),
                            ("trigger", "A trigger"),
                            ("run", "Another run"),
                            ("test", "A test of the draft"),
                        ],
                        max_length=16,
                    ),
                ),
                ("user_id", models.UUIDField(blank=True, null=True)),
                ("idempotency_key", models.CharField(blank=True, max_length=255)),
                ("number", models.PositiveIntegerField(default=0)),
                ("is_held", models.BooleanField(default=False)),
                ("depth", models.PositiveSmallIntegerField(default=0)),
                ("input_json", models.JSONField(blank=True, default=dict, verbose_name="input")),
                ("item_json", models.JSONField(blank=True, null=True, verbose_name="item")),
                ("output_json", models.JSONField(blank=True, null=True, verbose_name="output")),
                ("step_key", models.CharField(blank=True, max_length=40, verbose_name="step")),
                ("steps_begun", models.PositiveIntegerField(default=0)),
                ("progress_attempt", models.PositiveIntegerField(default=0)),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="children",
                        to="workflows.workflowrun",
                    ),
                ),
                (
                    "parent_step",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="child_runs",
                        to="workflows.steprun",
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
                    "trigger",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="runs",
                        to="workflows.trigger",
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
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "waiting", "done", "error", "cancelled"])
                        ),
                        name="workflow_runs_state_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("available_at__isnull", False),
                            models.Q(("state__in", ["queued", "running"]), _negated=True),
                            _connector="OR",
                        ),
                        name="workflow_runs_available_at_given",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("started_by__in", ["person", "api", "command", "trigger", "run", "test"])
                        ),
                        name="workflow_runs_started_by_valid",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key", ""), _negated=True),
                        fields=("workflow", "idempotency_key"),
                        name="workflow_runs_idempotency_key",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("parent_step__isnull", False)),
                        fields=("parent_step", "number"),
                        name="workflow_runs_number_key",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workflow", also=(), name="workflow_runs_workflow_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "trigger", also=(), name="workflow_runs_trigger_same_tenant", on_delete="SET NULL"
                    ),
                    core.isolation.constraints.SameTenant(
                        "parent", also=(), name="workflow_runs_parent_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "parent_step",
                        also=(),
                        name="workflow_runs_parent_step_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="workflow_runs_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="workflow_runs_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_workflow_runs_tenant_created"
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state__in", ("queued", "running", "waiting"))),
                        fields=["tenant", "in_background", "available_at"],
                        name="idx_workflow_runs_unfinished",
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state", "running")),
                        fields=["tenant", "available_at"],
                        name="idx_workflow_runs_running",
                    ),
                    core.isolation.fields.NamedIndex(
                        fields=["workflow", "state"], name="idx_workflow_runs_state"
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("is_held", True)),
                        fields=["parent_step", "number"],
                        name="idx_workflow_runs_held",
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(
                            ("parent__isnull", True), ("state__in", ("queued", "running", "waiting"))
                        ),
                        fields=["tenant"],
                        name="idx_workflow_runs_started",
                    ),
                    core.isolation.fields.NamedIndex(fields=["trigger"], name="idx_workflow_runs_trigger_id"),
                    core.isolation.fields.NamedIndex(fields=["parent"], name="idx_workflow_runs_parent_id"),
                    core.isolation.fields.NamedIndex(
                        fields=["parent_step"], name="idx_workflow_runs_parent_step_id"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TriggerEvent",
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
                ("key", models.CharField(max_length=255)),
                (
                    "payload_json",
                    models.JSONField(blank=True, default=dict, verbose_name="what has happened"),
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
                    "trigger",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="workflows.trigger",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="workflows.workflowrun",
                    ),
                ),
            ],
            options={
                "db_table": "trigger_events",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "waiting", "done", "error", "cancelled"])
                        ),
                        name="trigger_events_state_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("available_at__isnull", False),
                            models.Q(("state__in", ["queued", "running"]), _negated=True),
                            _connector="OR",
                        ),
                        name="trigger_events_available_at_given",
                    ),
                    models.UniqueConstraint(fields=("trigger", "key"), name="trigger_events_key"),
                    core.isolation.constraints.SameTenant(
                        "trigger", also=(), name="trigger_events_trigger_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "run", also=(), name="trigger_events_run_same_tenant", on_delete="SET NULL"
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="trigger_events_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="trigger_events_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_trigger_events_tenant_created"
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state__in", ("queued", "running", "waiting"))),
                        fields=["tenant", "in_background", "available_at"],
                        name="idx_trigger_events_unfinished",
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state", "running")),
                        fields=["tenant", "available_at"],
                        name="idx_trigger_events_running",
                    ),
                    core.isolation.fields.NamedIndex(fields=["run"], name="idx_trigger_events_run_id"),
                ],
            },
        ),
        migrations.AddField(
            model_name="steprun",
            name="run",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="step_runs",
                to="workflows.workflowrun",
            ),
        ),
        migrations.CreateModel(
            name="RunSignal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("name", models.CharField(max_length=100)),
                ("payload_json", models.JSONField(blank=True, null=True, verbose_name="payload")),
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
                    "taken_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="workflows.steprun",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="signals",
                        to="workflows.workflowrun",
                    ),
                ),
            ],
            options={
                "db_table": "run_signals",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    core.isolation.constraints.SameTenant(
                        "run", also=(), name="run_signals_run_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "taken_by", also=(), name="run_signals_taken_by_same_tenant", on_delete="SET NULL"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="run_signals_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="run_signals_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("taken_by__isnull", True)),
                        fields=["run", "name"],
                        name="idx_run_signals_waiting",
                    ),
                    core.isolation.fields.NamedIndex(fields=["run"], name="idx_run_signals_run_id"),
                    core.isolation.fields.NamedIndex(fields=["taken_by"], name="idx_run_signals_taken_by_id"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Approval",
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
                            ("pending", "Pending"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("expired", "Expired"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("question", models.TextField()),
                ("shown_json", models.JSONField(blank=True, null=True, verbose_name="what is decided on")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer"),
                            ("editor", "Editor"),
                            ("admin", "Admin"),
                            ("owner", "Owner"),
                        ],
                        default="editor",
                        max_length=16,
                    ),
                ),
                ("user_ids_json", models.JSONField(blank=True, default=list, verbose_name="people")),
                ("remind_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("decided_by_id", models.UUIDField(blank=True, null=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("comment", models.TextField(blank=True)),
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
                    "step_run",
                    models.OneToOneField(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="approval",
                        to="workflows.steprun",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="approvals",
                        to="workflows.workflowrun",
                    ),
                ),
            ],
            options={
                "db_table": "approvals",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["pending", "approved", "rejected", "expired", "cancelled"])
                        ),
                        name="approvals_state_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["viewer", "editor", "admin", "owner"])),
                        name="approvals_role_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "run", also=(), name="approvals_run_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "step_run", also=(), name="approvals_step_run_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="approvals_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="approvals_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state", "pending")),
                        fields=["tenant", "created_at"],
                        name="idx_approvals_pending",
                    ),
                    core.isolation.fields.NamedIndex(fields=["run"], name="idx_approvals_run_id"),
                ],
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
                    "key",
                    models.CharField(
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z][a-z0-9_]*\\Z", "Use small letters, digits and _, a letter first."
                            )
                        ],
                    ),
                ),
                (
                    "type_enum",
                    models.CharField(
                        choices=[
                            ("assistant", "Ask an assistant"),
                            ("teammate", "Ask a teammate"),
                            ("retrieve", "Search passages"),
                            ("llm", "Ask a model"),
                            ("classify", "Classify"),
                            ("extract", "Extract fields"),
                            ("condition", "Condition"),
                            ("switch", "Switch"),
                            ("transform", "New values"),
                            ("iterate", "For each item"),
                            ("parallel", "In parallel"),
                            ("sub_workflow", "Run a workflow"),
                            ("http_request", "Call a service"),
                            ("data_query", "Query a data source"),
                            ("tag", "Tag"),
                            ("ingest", "Ingest"),
                            ("notify", "Notify"),
                            ("approval", "Wait for an approval"),
                            ("wait", "Wait"),
                            ("end", "End"),
                        ],
                        max_length=32,
                        verbose_name="type",
                    ),
                ),
                ("instruction", models.TextField(blank=True)),
                ("config_json", models.JSONField(blank=True, default=dict, verbose_name="configuration")),
                ("on_error_json", models.JSONField(blank=True, default=dict, verbose_name="on error")),
                (
                    "timeout_seconds",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The step fails if it takes longer. Without it, WORKFLOW_STEP_SECONDS holds, and waiting has no limit.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(2678400),
                        ],
                    ),
                ),
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workflow", "position"),
                        name="workflow_steps_position_alive_key",
                        violation_error_message="There is one of this position already.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workflow", "key"),
                        name="workflow_steps_key_alive_key",
                        violation_error_message="There is one of this key already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type_enum__in",
                                [
                                    "assistant",
                                    "teammate",
                                    "retrieve",
                                    "llm",
                                    "classify",
                                    "extract",
                                    "condition",
                                    "switch",
                                    "transform",
                                    "iterate",
                                    "parallel",
                                    "sub_workflow",
                                    "http_request",
                                    "data_query",
                                    "tag",
                                    "ingest",
                                    "notify",
                                    "approval",
                                    "wait",
                                    "end",
                                ],
                            )
                        ),
                        name="workflow_steps_type_enum_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workflow", also=(), name="workflow_steps_workflow_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "assistant",
                        also=(),
                        name="workflow_steps_assistant_same_tenant",
                        on_delete="SET NULL",
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="workflow_steps_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="workflow_steps_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["workflow"], name="idx_workflow_steps_workflow_id"
                    ),
                    core.isolation.fields.NamedIndex(
                        fields=["assistant"], name="idx_workflow_steps_assistant_id"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="WorkflowVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField(blank=True, null=True)),
                ("definition_json", models.JSONField(verbose_name="definition")),
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
                        related_name="versions",
                        to="workflows.workflow",
                    ),
                ),
            ],
            options={
                "db_table": "workflow_versions",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("number__isnull", False)),
                        fields=("workflow", "number"),
                        name="workflow_versions_number_key",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workflow",
                        also=(),
                        name="workflow_versions_workflow_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="workflow_versions_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="workflow_versions_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["workflow"], name="idx_workflow_versions_workflow_id"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="workflowrun",
            name="version",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="workflows.workflowversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=models.UniqueConstraint(fields=("run", "number"), name="step_runs_number_key"),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=models.UniqueConstraint(
                fields=("run", "key", "iteration"), name="step_runs_iteration_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="steprun",
            constraint=core.isolation.constraints.SameTenant(
                "run", also=(), name="step_runs_run_same_tenant", on_delete="CASCADE"
            ),
        ),
        migrations.AddIndex(
            model_name="workflowrun",
            index=core.isolation.fields.NamedIndex(fields=["version"], name="idx_workflow_runs_version_id"),
        ),
        migrations.AddConstraint(
            model_name="workflowrun",
            constraint=core.isolation.constraints.SameTenant(
                "version", also=(), name="workflow_runs_version_same_tenant", on_delete="CASCADE"
            ),
        ),
        job_table_lookup("workflow_runs"),
        job_table_lookup("trigger_events"),
        # A version never changes.
        migrations.RunSQL("REVOKE UPDATE ON workflow_versions FROM oyl_app;", migrations.RunSQL.noop),
    ]
