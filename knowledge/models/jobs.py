"""One row for each piece of work on a document: what the admin shows, and what recovery reads."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from core.isolation.constraints import isolated
from core.models import Index, TenantModel, is_one_of
from knowledge.models.documents import Document
from knowledge.querysets import JobManager


class JobKind(models.TextChoices):
    INGEST = "ingest"
    PURGE = "purge"


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"


class Stage(models.TextChoices):
    WAIT = "wait"
    PARSE = "parse"
    CHUNK = "chunk"
    EMBED = "embed"
    TAG = "tag"
    INDEX = "index"
    FLIP = "flip"
    CLEAN = "clean"


class IngestionJob(TenantModel):
    """queued → running → done | error | cancelled; running → queued again when an attempt failed or its lease ended.

    `attempt` fences: a write counts only if the row still has the writer's attempt number. `available_at` is when it
    may be claimed (again): a claim pushes it to the end of its lease, each heartbeat further, a failure to the end of
    its back-off. A purge removes what a deleted document left.
    """

    document = models.ForeignKey(
        Document, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="jobs"
    )
    kind = models.CharField(max_length=16, choices=JobKind.choices, default=JobKind.INGEST)
    generation = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    stage = models.CharField(max_length=16, choices=Stage.choices, default=Stage.WAIT)
    attempt = models.PositiveIntegerField(default=0)
    chunks_done = models.PositiveIntegerField(default=0)
    chunks_total = models.PositiveIntegerField(default=0)
    available_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    versions = models.CharField(max_length=255, blank=True)
    timings_json = models.JSONField("seconds per stage", default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[JobManager] = JobManager()

    class Meta(TenantModel.Meta):
        db_table = "ingestion_jobs"
        constraints = [
            *isolated("ingestion_jobs", "document"),
            models.UniqueConstraint(
                fields=["document", "generation", "kind"], name="ingestion_jobs_document_generation_key"
            ),
            is_one_of("ingestion_jobs", "kind", JobKind),
            is_one_of("ingestion_jobs", "state", JobState),
            is_one_of("ingestion_jobs", "stage", Stage),
        ]
        indexes = [
            Index(fields=["tenant", "-created_at"], name="idx_ingestion_jobs_tenant_created"),
            Index(
                fields=["tenant", "available_at"],
                condition=Q(state__in=[JobState.QUEUED, JobState.RUNNING]),
                name="idx_ingestion_jobs_unfinished",
            ),
            Index(
                fields=["tenant", "available_at"],
                condition=Q(state=JobState.RUNNING),
                name="idx_ingestion_jobs_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.document_id} #{self.generation}: {self.state}"
