"""Libraries of documents, and what the pipeline makes of them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.manager
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.fields
import core.isolation.scope
import core.models
import knowledge.pipeline.values
from jobs.lookup import job_table_lookup


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("jobs", "0001_initial"),
        ("assistants", "0001_initial"),
        ("tenants", "0001_initial"),
        ("workspaces", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Document",
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
                ("external_id", models.CharField(max_length=1024)),
                ("filename", models.CharField(max_length=255)),
                ("file_path", models.CharField(editable=False, max_length=1024)),
                ("mime_type", models.CharField(blank=True, editable=False, max_length=255)),
                ("size_bytes", models.PositiveBigIntegerField(editable=False)),
                ("sha256", models.CharField(editable=False, max_length=64)),
                ("metadata_json", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "file_metadata_json",
                    models.JSONField(
                        blank=True, default=dict, editable=False, verbose_name="metadata of the file"
                    ),
                ),
                ("text", models.TextField(blank=True, editable=False)),
                (
                    "processed_status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("processing", "Processing"),
                            ("done", "Done"),
                            ("error", "Error"),
                        ],
                        default="pending",
                        editable=False,
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("error_code", models.CharField(blank=True, editable=False, max_length=64)),
                ("error_detail", models.TextField(blank=True, editable=False)),
                ("generation", models.PositiveIntegerField(default=0, editable=False)),
                ("file_generation", models.PositiveIntegerField(default=1, editable=False)),
                ("versions", models.JSONField(blank=True, default=dict, editable=False)),
                (
                    "container",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="members",
                        to="knowledge.document",
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
                "db_table": "documents",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("processed_status__in", ["pending", "processing", "done", "error"])
                        ),
                        name="documents_processed_status_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "container", also=(), name="documents_container_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="documents_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="documents_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_documents_tenant_created"
                    ),
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "sha256"], name="idx_documents_tenant_sha256"
                    ),
                    core.isolation.fields.NamedIndex(fields=["container"], name="idx_documents_container_id"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Chunk",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("generation", models.PositiveIntegerField()),
                ("position", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("content_sha256", models.CharField(max_length=64)),
                ("page", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "heading_path",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("start", models.PositiveIntegerField()),
                ("end", models.PositiveIntegerField()),
                ("token_count", models.PositiveIntegerField()),
                (
                    "tags_text",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
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
                    "document",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="chunks",
                        to="knowledge.document",
                    ),
                ),
            ],
            options={
                "db_table": "chunks",
                "ordering": ["position"],
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("document", "generation", "position"),
                        name="chunks_document_generation_position_key",
                    ),
                    core.isolation.constraints.SameTenant(
                        "document", also=(), name="chunks_document_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="chunks_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="chunks_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_chunks_tenant_created"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Embedding",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("model", models.CharField(max_length=255)),
                ("vector_ref", models.CharField(max_length=255)),
                (
                    "chunk",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="embeddings",
                        to="knowledge.chunk",
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
                "db_table": "embeddings",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("chunk", "model"), name="embeddings_chunk_model_key"),
                    core.isolation.constraints.SameTenant(
                        "chunk", also=(), name="embeddings_chunk_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="embeddings_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="embeddings_tenant_id_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IngestionJob",
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
                    "kind",
                    models.CharField(
                        choices=[("ingest", "Ingest"), ("purge", "Purge")], default="ingest", max_length=16
                    ),
                ),
                ("generation", models.PositiveIntegerField()),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("wait", "Wait"),
                            ("parse", "Parse"),
                            ("chunk", "Chunk"),
                            ("embed", "Embed"),
                            ("tag", "Tag"),
                            ("index", "Index"),
                            ("flip", "Flip"),
                            ("clean", "Clean"),
                        ],
                        default="wait",
                        max_length=16,
                    ),
                ),
                ("chunks_done", models.PositiveIntegerField(default=0)),
                ("chunks_total", models.PositiveIntegerField(default=0)),
                ("versions", models.JSONField(blank=True, default=dict)),
                (
                    "document",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="jobs",
                        to="knowledge.document",
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
                "db_table": "ingestion_jobs",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "waiting", "done", "error", "cancelled"])
                        ),
                        name="ingestion_jobs_state_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("available_at__isnull", False),
                            models.Q(("state__in", ["queued", "running"]), _negated=True),
                            _connector="OR",
                        ),
                        name="ingestion_jobs_available_at_given",
                    ),
                    models.UniqueConstraint(
                        fields=("document", "generation", "kind"),
                        name="ingestion_jobs_document_generation_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["ingest", "purge"])),
                        name="ingestion_jobs_kind_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "stage__in",
                                ["wait", "parse", "chunk", "embed", "tag", "index", "flip", "clean"],
                            )
                        ),
                        name="ingestion_jobs_stage_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "document", also=(), name="ingestion_jobs_document_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="ingestion_jobs_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="ingestion_jobs_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_ingestion_jobs_tenant_created"
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state__in", ("queued", "running", "waiting"))),
                        fields=["tenant", "available_at"],
                        name="idx_ingestion_jobs_unfinished",
                    ),
                    core.isolation.fields.NamedIndex(
                        condition=models.Q(("state", "running")),
                        fields=["tenant", "available_at"],
                        name="idx_ingestion_jobs_running",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KnowledgeBase",
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
                ("vector_db_id", models.CharField(blank=True, editable=False, max_length=255, null=True)),
                (
                    "assistant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="knowledge_bases",
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
                "db_table": "knowledge_bases",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("assistant", "name"),
                        name="knowledge_bases_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    core.isolation.constraints.SameTenant(
                        "assistant",
                        also=(),
                        name="knowledge_bases_assistant_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="knowledge_bases_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="knowledge_bases_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["assistant"], name="idx_knowledge_bases_assistant_id"
                    )
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Reference",
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
                    "embedding_model",
                    models.CharField(blank=True, help_text="Empty: the installation's own.", max_length=255),
                ),
                (
                    "chunk_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="At most so many tokens; empty: as many as the embedding model reads.",
                        null=True,
                        verbose_name="passage length",
                    ),
                ),
                (
                    "chunk_overlap",
                    models.PositiveIntegerField(
                        blank=True,
                        default=0,
                        help_text="So many tokens at a passage's beginning are those at the end of the one before.",
                        verbose_name="passage overlap",
                    ),
                ),
                ("metadata_json", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "knowledge_base",
                    models.OneToOneField(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="private_reference",
                        to="knowledge.knowledgebase",
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
                        related_name="references",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "references",
                "abstract": False,
                "base_manager_name": "with_deleted",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("workspace", "name"),
                        name="references_name_alive_key",
                        violation_error_message="There is one of this name already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("chunk_tokens", None), ("chunk_tokens__gte", 32), _connector="OR"
                        ),
                        name="references_chunk_tokens_valid",
                        violation_error_message="A passage has a length of 32 tokens or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("chunk_overlap", 0),
                            (
                                "chunk_tokens__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.Value(2), "*", models.F("chunk_overlap")
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="references_chunk_overlap_valid",
                        violation_error_message="Passages overlap by at most half of their length: give their length, too.",
                    ),
                    core.isolation.constraints.SameTenant(
                        "workspace", also=(), name="references_workspace_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "knowledge_base",
                        also=(),
                        name="references_knowledge_base_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="references_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="references_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(fields=["workspace"], name="idx_references_workspace_id")
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("with_deleted", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="KnowledgeBaseReference",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "knowledge_base",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="reference_links",
                        to="knowledge.knowledgebase",
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
                    "reference",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="knowledge_base_links",
                        to="knowledge.reference",
                    ),
                ),
            ],
            options={
                "db_table": "knowledge_base_references",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("knowledge_base", "reference"), name="knowledge_base_references_key"
                    ),
                    core.isolation.constraints.SameTenant(
                        "knowledge_base",
                        also=(),
                        name="knowledge_base_references_knowledge_base_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.SameTenant(
                        "reference",
                        also=(),
                        name="knowledge_base_references_reference_same_tenant",
                        on_delete="CASCADE",
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="knowledge_base_references_tenant"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant", "id"), name="knowledge_base_references_tenant_id_key"
                    ),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["reference"], name="idx_knowledge_base_references_reference_id"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="knowledgebase",
            name="references",
            field=models.ManyToManyField(
                related_name="knowledge_bases",
                through="knowledge.KnowledgeBaseReference",
                to="knowledge.reference",
            ),
        ),
        migrations.CreateModel(
            name="FileBatch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
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
                    "reference",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="file_batches",
                        to="knowledge.reference",
                    ),
                ),
            ],
            options={
                "db_table": "file_batches",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    core.isolation.constraints.SameTenant(
                        "reference", also=(), name="file_batches_reference_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="file_batches_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="file_batches_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["reference"], name="idx_file_batches_reference_id"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="document",
            name="reference",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="documents",
                to="knowledge.reference",
            ),
        ),
        migrations.CreateModel(
            name="StoredFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
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
                        default=core.isolation.scope.current_tenant_id,
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
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="files_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="files_tenant_id_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("tag", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("manual", "Manual"),
                            ("workflow", "Workflow"),
                            ("import", "Import"),
                            ("rule", "Rule"),
                            ("inherited", "Inherited"),
                            ("ai", "AI"),
                        ],
                        default=knowledge.pipeline.values.TagSource["MANUAL"],
                        max_length=16,
                    ),
                ),
                (
                    "inherited",
                    models.BooleanField(
                        default=False, help_text="Every passage of the reference carries this tag."
                    ),
                ),
                (
                    "reference",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tags",
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
            ],
            options={
                "db_table": "tags",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("reference", "tag"), name="tags_reference_tag_key"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("source__in", ["manual", "workflow", "import", "rule", "inherited", "ai"])
                        ),
                        name="tags_source_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "reference", also=(), name="tags_reference_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="tags_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="tags_tenant_id_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DocumentTag",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("manual", "Manual"),
                            ("workflow", "Workflow"),
                            ("import", "Import"),
                            ("rule", "Rule"),
                            ("inherited", "Inherited"),
                            ("ai", "AI"),
                        ],
                        default=knowledge.pipeline.values.TagSource["MANUAL"],
                        max_length=16,
                    ),
                ),
                ("actor_id", models.UUIDField(blank=True, editable=False, null=True)),
                (
                    "document",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="document_tags",
                        to="knowledge.document",
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
                    "tag",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="document_tags",
                        to="knowledge.tag",
                    ),
                ),
            ],
            options={
                "db_table": "document_tags",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("document", "tag"), name="document_tags_key"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "source__in",
                                [
                                    knowledge.pipeline.values.TagSource["MANUAL"],
                                    knowledge.pipeline.values.TagSource["WORKFLOW"],
                                    knowledge.pipeline.values.TagSource["IMPORT"],
                                ],
                            )
                        ),
                        name="document_tags_source_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "document", also=(), name="document_tags_document_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "tag", also=(), name="document_tags_tag_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(
                        column="tenant_id", name="document_tags_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="document_tags_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(fields=["tag"], name="idx_document_tags_tag_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="TagLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("manual", "Manual"),
                            ("workflow", "Workflow"),
                            ("import", "Import"),
                            ("rule", "Rule"),
                            ("inherited", "Inherited"),
                            ("ai", "AI"),
                        ],
                        max_length=16,
                    ),
                ),
                ("confidence", models.FloatField(default=1.0)),
                ("actor_id", models.UUIDField(blank=True, editable=False, null=True)),
                (
                    "chunk",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tag_links",
                        to="knowledge.chunk",
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="links",
                        to="knowledge.tag",
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
                "db_table": "tag_links",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("chunk", "tag"), name="tag_links_key"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("source__in", ["manual", "workflow", "import", "rule", "inherited", "ai"])
                        ),
                        name="tag_links_source_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("confidence__gte", 0), ("confidence__lte", 1)),
                        name="tag_links_confidence_valid",
                    ),
                    core.isolation.constraints.SameTenant(
                        "tag", also=(), name="tag_links_tag_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.SameTenant(
                        "chunk", also=(), name="tag_links_chunk_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="tag_links_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="tag_links_tenant_id_key"),
                ],
                "indexes": [
                    core.isolation.fields.NamedIndex(
                        fields=["tenant", "-created_at"], name="idx_tag_links_tenant_created"
                    ),
                    core.isolation.fields.NamedIndex(fields=["tag"], name="idx_tag_links_tag_id"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TagRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("keyword", "Keyword"), ("regex", "Regular expression")],
                        default="keyword",
                        max_length=16,
                    ),
                ),
                ("pattern", models.CharField(max_length=1000)),
                (
                    "tag",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="rules",
                        to="knowledge.tag",
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
                "db_table": "tag_rules",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tag", "kind", "pattern"), name="tag_rules_pattern_key"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["keyword", "regex"])), name="tag_rules_kind_valid"
                    ),
                    core.isolation.constraints.SameTenant(
                        "tag", also=(), name="tag_rules_tag_same_tenant", on_delete="CASCADE"
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="tag_rules_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="tag_rules_tenant_id_key"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="document",
            index=core.isolation.fields.NamedIndex(
                fields=["reference", "processed_status"], name="idx_documents_kb_status"
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=("reference", "external_id"),
                name="documents_external_id_alive_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=core.isolation.constraints.SameTenant(
                "reference", also=(), name="documents_reference_same_tenant", on_delete="CASCADE"
            ),
        ),
        job_table_lookup("ingestion_jobs"),
    ]
