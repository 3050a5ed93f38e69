"""Changes of many documents at once, which a worker makes."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.models import one_of
from jobs.models import LeasedJob, job_constraints, job_indexes


class BulkKind(models.TextChoices):
    RETRY = "retry", "Retry"
    REINDEX = "reindex", "Re-index"
    TAG = "tag", "Add tags"
    UNTAG = "untag", "Remove tags"
    MOVE = "move", "Move"
    DELETE = "delete", "Delete"
    RULES = "rules", "Apply rules"


class BulkChange(LeasedJob):
    """What is to be done with documents that were chosen by a filter. `document_ids` are those that are left, of `total`:
    a worker takes some of them after another. `arguments_json` has the `tags`, or the `reference` to move to.
    `failures_json` has sentences by document, and `user_id` is who asked for it."""

    kind = models.CharField(max_length=16, choices=BulkKind.choices)
    arguments_json = models.JSONField("arguments", default=dict, blank=True)
    document_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    total = models.PositiveIntegerField(default=0)
    failures_json = models.JSONField("failures", default=dict, blank=True)
    user_id = models.UUIDField(null=True, blank=True)

    class Meta(LeasedJob.Meta):
        db_table = "bulk_changes"
        constraints = [*job_constraints("bulk_changes"), one_of("bulk_changes", "kind", BulkKind)]
        indexes = job_indexes("bulk_changes")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.total} document{'' if self.total == 1 else 's'}"

    @property
    def done(self) -> int:
        return int(self.total) - len(self.document_ids)
