"""Connectors, which keep a reference's documents as they are where they live, their runs, and the items that they know."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.bounded_fields import BoundedJSONField, BoundedTextField
from core.isolation.fields import NamedIndex, TenantForeignKey
from core.limits import Limit
from core.models import SoftDeleteModel, TenantModel, one_of, unique_alive
from core.name_fields import FileNameField, NameField
from jobs.models import LeasedJob, job_constraints, job_indexes
from jobs.states import UNFINISHED
from knowledge.models.references import Reference
from workspaces.models import IntegrationConfig


class ConnectorKind(models.TextChoices):
    """Each has its file in `knowledge/connectors/kinds`."""

    WEB = "web", "Web site"
    RSS = "rss", "News feed (RSS, Atom)"
    FOLDER = "folder", "Folder of the server"
    S3 = "s3", "S3 storage"
    AZURE_BLOB = "azure_blob", "Azure Blob Storage"
    GCS = "gcs", "Google Cloud Storage"
    WEBDAV = "webdav", "WebDAV (Nextcloud, ownCloud)"
    SFTP = "sftp", "SFTP server"
    GIT = "git", "Git repository"
    IMAP = "imap", "Mailbox (IMAP)"


class Connector(SoftDeleteModel):
    """Keeps documents of a reference as they are at their source. It runs every `every_minutes`; if that is empty, only when
    it is asked to."""

    limit = Limit(100, "reference")

    reference = TenantForeignKey(Reference, related_name="connectors")
    name = NameField(max_length=255)
    kind = models.CharField(max_length=16, choices=ConnectorKind.choices)
    integration = TenantForeignKey(IntegrationConfig, null=True, blank=True, related_name="connectors")
    config_json = BoundedJSONField("configuration", default=dict, blank=True)
    every_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How often it runs by itself, in minutes. Empty: only when you say so.",
    )

    class Meta(SoftDeleteModel.Meta):
        db_table = "connectors"
        constraints = [
            unique_alive("connectors", "reference", "name"),
            one_of("connectors", "kind", ConnectorKind),
            models.CheckConstraint(
                condition=Q(every_minutes=None) | Q(every_minutes__gte=5),
                name="connectors_every_minutes_valid",
                violation_error_message="A connector runs every 5 minutes at most.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RunStage(models.TextChoices):
    """The cursor of a run: sync → prune; prune → asking, until an admin allows it, → prune."""

    SYNC = "sync", "Fetching what has changed"
    ASKING = "asking", "Asks whether to remove"
    PRUNE = "prune", "Removing what has gone"


class ConnectorRun(LeasedJob):
    """One run of a connector. The counts are those of its items; `gone` are the items that the source has no more."""

    connector = TenantForeignKey(Connector, related_name="runs")
    stage = models.CharField(max_length=16, choices=RunStage.choices, default=RunStage.SYNC)
    added = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)

    class Meta(LeasedJob.Meta):
        db_table = "connector_runs"
        constraints = [
            *job_constraints("connector_runs"),
            one_of("connector_runs", "stage", RunStage),
            models.UniqueConstraint(
                fields=["connector"],
                condition=Q(state__in=UNFINISHED),
                name="connector_runs_connector_unfinished_key",
            ),
        ]
        indexes = job_indexes("connector_runs")

    def __str__(self) -> str:
        return f"{self.connector} {self.created_at:%Y-%m-%d %H:%M}"


class ItemOutcome(models.TextChoices):
    ADDED = "added", "Added"
    UPDATED = "updated", "Updated"
    UNCHANGED = "unchanged", "Unchanged"
    FAILED = "failed", "Failed"


class ConnectorItem(TenantModel):
    """A file, page or mail of a source, as the connector has fetched it last. `key` is its name in the source, and
    `external_id` that of its document. `run_id` is the last run that has seen it, and `outcome` what that has done; a run
    that begins again after its worker died goes on with the items that it has not seen."""

    connector = TenantForeignKey(Connector, related_name="items")
    key = FileNameField(max_length=2048)
    external_id = FileNameField(max_length=1024)
    version = models.CharField(max_length=255, blank=True)
    state_json = BoundedJSONField("state", default=dict, blank=True)
    run_id = models.UUIDField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=ItemOutcome.choices)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = BoundedTextField(blank=True)

    class Meta(TenantModel.Meta):
        db_table = "connector_items"
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "external_id"], name="connector_items_connector_external_id_key"
            ),
            one_of("connector_items", "outcome", ItemOutcome),
        ]
        indexes = [
            NamedIndex(fields=["connector", "run_id", "outcome"], name="idx_connector_items_run"),
        ]

    def __str__(self) -> str:
        return self.key
