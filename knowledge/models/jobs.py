"""Jobs: one row for each piece of work on a document."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.isolation.fields import NamedIndex, TenantForeignKey
from core.models import one_of
from jobs.models import LeasedJob, job_constraints, job_indexes
from jobs.states import UNFINISHED, JobState
from knowledge.models.documents import Document


class JobKind(models.TextChoices):
    INGEST = "ingest"
    PURGE = "purge"
    REEMBED = "reembed"


class Stage(models.TextChoices):
    WAIT = "wait"
    PARSE = "parse"
    CHUNK = "chunk"
    EMBED = "embed"
    TAG = "tag"
    INDEX = "index"
    FLIP = "flip"
    CLEAN = "clean"


class IngestionJob(LeasedJob):
    """The ingestion of one generation of a document, the purge of a deleted document, or the embedding of a document's
    published passages with a further model, which is in `versions` from the beginning. `run_id` is the run of a workflow
    that has added the file, or the archive in which it was found."""

    document = TenantForeignKey(Document, related_name="jobs")
    kind = models.CharField(max_length=16, choices=JobKind.choices, default=JobKind.INGEST)
    generation = models.PositiveIntegerField()
    stage = models.CharField(max_length=16, choices=Stage.choices, default=Stage.WAIT)
    chunks_done = models.PositiveIntegerField(default=0)
    chunks_total = models.PositiveIntegerField(default=0)
    versions = models.JSONField(default=dict, blank=True)
    run_id = models.UUIDField(null=True, blank=True)

    class Meta(LeasedJob.Meta):
        db_table = "ingestion_jobs"
        constraints = [
            *job_constraints("ingestion_jobs"),
            models.UniqueConstraint(
                fields=["document", "generation", "kind"],
                condition=~Q(kind=JobKind.REEMBED),
                name="ingestion_jobs_document_generation_key",
            ),
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(kind=JobKind.REEMBED, state__in=UNFINISHED),
                name="ingestion_jobs_document_reembed_key",
            ),
            one_of("ingestion_jobs", "kind", JobKind),
            one_of("ingestion_jobs", "stage", Stage),
        ]
        indexes = [
            *job_indexes("ingestion_jobs"),
            NamedIndex(
                fields=["tenant", "-finished_at"],
                condition=Q(kind=JobKind.INGEST, state=JobState.DONE),
                name="idx_ingestion_jobs_done",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.document_id} #{self.generation}: {self.state}"
