"""Organisational units of a tenant, their integrations and data sources."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from core.bounded_fields import BoundedJSONField, BoundedTextField
from core.encryption.fields import EncryptedJSONField, SecretMovedError, SecretUnreadableError
from core.isolation.fields import NamedIndex, TenantForeignKey
from core.json_schema import problems
from core.limits import Limit
from core.models import SoftDeleteModel, one_of, unique_alive
from core.name_fields import FileNameField, NameField
from jobs.models import LeasedJob, job_constraints, job_indexes
from jobs.states import UNFINISHED
from workspaces.integrations import FORMS, IntegrationError


class Workspace(SoftDeleteModel):
    limit = Limit(1000)

    name = NameField(max_length=255)
    description = BoundedTextField(blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "workspaces"
        constraints = [unique_alive("workspaces", "tenant", "name")]
        indexes = [NamedIndex(fields=["tenant"], name="idx_workspaces_tenant_id")]

    def __str__(self) -> str:
        return self.name

    @property
    def owning_workspace_id(self) -> UUID:
        return self.pk


class IntegrationType(models.TextChoices):
    """Each has its file in `workspaces/integrations`."""

    CHAT_MODEL = "chat_model", "Chat model (OpenAI-compatible)"
    EMBEDDING = "embedding", "Embedding model (OpenAI-compatible)"
    S3 = "s3", "S3 storage"
    AZURE_BLOB = "azure_blob", "Azure Blob Storage"
    GCS = "gcs", "Google Cloud Storage"
    WEBDAV = "webdav", "WebDAV (Nextcloud, ownCloud)"
    SFTP = "sftp", "SFTP server"
    GIT = "git", "Git repository"
    IMAP = "imap", "Mailbox (IMAP)"
    SMTP = "smtp", "Mail server (SMTP)"
    DATABASE = "database", "Database (PostgreSQL, MySQL)"
    WEBHOOK = "webhook", "Web service or webhook (HTTP)"
    SLACK_WEBHOOK = "slack_webhook", "Slack room"
    TEAMS_WEBHOOK = "teams_webhook", "Teams room"


class IntegrationConfig(SoftDeleteModel):
    """A workspace's access to an outside service. Its secrets are write-only."""

    limit = Limit(200, "workspace")

    workspace = TenantForeignKey(Workspace, related_name="integration_configs")
    name = NameField(max_length=255)
    type_enum = models.CharField("type", max_length=32, choices=IntegrationType.choices)
    config_encrypted_json = EncryptedJSONField("configuration", null=True, blank=True)

    class Meta(SoftDeleteModel.Meta):
        verbose_name = "integration"
        db_table = "integration_configs"
        constraints = [
            unique_alive("integration_configs", "workspace", "name"),
            one_of("integration_configs", "type_enum", IntegrationType),
        ]

    def __str__(self) -> str:
        return self.name

    @sensitive_variables()
    def clean(self) -> None:
        """Raises ValidationError when the configuration has not the form of its type."""
        super().clean()
        if self.config_encrypted_json is None:
            return
        try:
            config = self.config_encrypted_json.decrypt()
        except SecretUnreadableError:  # its key is gone: it has been valid, and can only be replaced
            return
        if found := problems(FORMS.get(self.type_enum, {}), config):
            raise ValidationError({"config_encrypted_json": found})

    @sensitive_variables()
    def read_config(self) -> dict[str, Any]:
        """What is stored. Raises IntegrationError if it cannot be used: it may be older than the form of its type."""
        if self.config_encrypted_json is None:
            raise IntegrationError("integration_not_configured", reason="it has no configuration yet")
        try:
            config = self.config_encrypted_json.decrypt()
        except (SecretUnreadableError, SecretMovedError):
            raise IntegrationError(
                "integration_not_configured", reason="its configuration cannot be decrypted"
            ) from None
        if found := problems(FORMS[self.type_enum], config):
            raise IntegrationError("integration_not_configured", reason=found[0].rstrip("."))
        return dict(config)


class DataSource(SoftDeleteModel):
    """Tabular data. `schema_json` lists its columns: [{"name", "type", "nullable", "description", "unit", "example"}].

    `generation` counts the imports whose rows have replaced those before; 0 is none. The rows are in the stored Parquet file
    `file_path`. `options_json` says how the last file was read, and `profile_json` what is known of each column's values."""

    limit = Limit(1000, "workspace")

    workspace = TenantForeignKey(Workspace, related_name="data_sources")
    name = NameField(max_length=255)
    description = BoundedTextField(
        blank=True, help_text="What a row is, for people and for models that write queries."
    )
    schema_json = BoundedJSONField("schema", default=list, blank=True)
    profile_json = models.JSONField("profile", default=list, blank=True, editable=False)
    options_json = models.JSONField("how it is read", default=dict, blank=True, editable=False)
    row_count = models.PositiveBigIntegerField(default=0, editable=False)
    generation = models.PositiveIntegerField(default=0, editable=False)
    file_path = models.CharField(max_length=255, blank=True, editable=False)
    size_bytes = models.PositiveBigIntegerField(default=0, editable=False)
    imported_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(SoftDeleteModel.Meta):
        db_table = "data_sources"
        constraints = [
            unique_alive("data_sources", "workspace", "name"),
        ]

    def __str__(self) -> str:
        return self.name


class DatabaseQuery(SoftDeleteModel):
    """Keeps the rows of a data source as a query of a database returns them. It runs every `every_minutes`; if that is
    empty, only when it is asked to."""

    part_of = "data_source"

    data_source = TenantForeignKey(DataSource, related_name="database_queries")
    integration = TenantForeignKey(IntegrationConfig, related_name="database_queries")
    sql = BoundedTextField(
        "SQL",
        help_text="One SELECT in the database's own dialect. Its columns become those of the data source.",
    )
    every_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How often it runs by itself, in minutes. Empty: only when you say so.",
    )

    class Meta(SoftDeleteModel.Meta):
        db_table = "database_queries"
        verbose_name_plural = "database queries"
        constraints = [
            unique_alive("database_queries", "data_source"),
            models.CheckConstraint(
                condition=Q(every_minutes=None) | Q(every_minutes__gte=5),
                name="database_queries_every_minutes_valid",
                violation_error_message="A query runs every 5 minutes at most.",
            ),
        ]

    def __str__(self) -> str:
        return f"Query for {self.data_source}"

    @property
    def owning_workspace_id(self) -> UUID:
        workspace_id: UUID = self.data_source.workspace_id
        return workspace_id


class DataImport(LeasedJob):
    """The import of one file, or of the rows of a `query`, into a data source. A file waits until a person has seen what was
    recognised, unless it was to start at once. `recognised_json` has that: options, columns, sheets and the first rows;
    `options_json` what is to be used in its place. `errors_json` has the cells that could not be read:
    [{"row", "column", "value", "reason"}].

    `generation` is the data source's that it has become; 0 until then."""

    data_source = TenantForeignKey(DataSource, related_name="imports")
    query = TenantForeignKey(DatabaseQuery, null=True, blank=True, related_name="imports")
    filename = FileNameField(max_length=255)
    source_path = models.CharField(max_length=255, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    options_json = models.JSONField("options", default=dict, blank=True)
    recognised_json = models.JSONField("recognised", default=dict, blank=True)
    generation = models.PositiveIntegerField(default=0)
    row_count = models.PositiveBigIntegerField(null=True, blank=True)
    errors_json = models.JSONField("cells that cannot be read", default=list, blank=True)
    warnings_json = models.JSONField("warnings", default=list, blank=True)
    stage = models.CharField(max_length=32, blank=True)

    class Meta(LeasedJob.Meta):
        db_table = "data_imports"
        constraints = [
            *job_constraints("data_imports"),
            models.UniqueConstraint(
                fields=["query"], condition=Q(state__in=UNFINISHED), name="data_imports_query_unfinished_key"
            ),
        ]
        indexes = [
            *job_indexes("data_imports"),
            NamedIndex(fields=["data_source", "-created_at"], name="idx_data_imports_source_created"),
        ]

    def __str__(self) -> str:
        return self.filename


class ModelPrice(SoftDeleteModel):
    """What a chat model costs from a day on, until the next price of the same model."""

    limit = Limit(1000)

    model = NameField(max_length=255, help_text="As in the integration or the assistant's settings.")
    valid_from = models.DateField(help_text="The first day (UTC) on which it costs this.")
    prompt_price = models.DecimalField(
        "price of the prompt",
        max_digits=12,
        decimal_places=6,
        validators=[MinValueValidator(0)],
        help_text="Of a million tokens that the model reads.",
    )
    completion_price = models.DecimalField(
        "price of the answer",
        max_digits=12,
        decimal_places=6,
        validators=[MinValueValidator(0)],
        help_text="Of a million tokens that the model writes.",
    )
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator("^[A-Z]{3}$", "Give a code of ISO 4217, as EUR.")],
    )

    class Meta(SoftDeleteModel.Meta):
        db_table = "model_prices"
        constraints = [unique_alive("model_prices", "tenant", "model", "valid_from")]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from}"
