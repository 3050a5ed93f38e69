"""Changes of a reference's embedding model, while the old vectors answer, and then while they are kept."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.isolation.fields import TenantForeignKey
from core.models import one_of
from jobs.models import LeasedJob, job_constraints, job_indexes
from jobs.states import UNFINISHED
from knowledge.models.references import Reference


class ReembeddingStage(models.TextChoices):
    """embed → check → keep → remove; check → refused → check (accepted) or remove; embed → remove when it is rolled back."""

    EMBED = "embed", "Embedding"
    CHECK = "check", "Checking the recall"
    REFUSED = "refused", "Refused by the check"
    KEEP = "keep", "Switched; the old vectors are kept"
    REMOVE = "remove", "Removing the other vectors"


class Reembedding(LeasedJob):
    """The change of a reference's embedding model. `Reference.embedding_model` is the one that answers: `from_model` until
    the switch and after a rollback, else `to_model`. The documents' vectors of the other model are made, kept or removed, as
    the stage says.

    Of `questions` sampled from the passages, `found_before` were answered by the passage that they come from with the old
    model (None: it did not answer), and `found_after` with the new one. `is_accepted`: switch even if the check fails.
    `was_auto`: before the switch, the documents chose the model, as they do again after a rollback."""

    reference = TenantForeignKey(Reference, related_name="reembeddings")
    from_model = models.CharField(max_length=255)
    to_model = models.CharField(max_length=255)
    stage = models.CharField(max_length=16, choices=ReembeddingStage.choices, default=ReembeddingStage.EMBED)
    questions = models.PositiveIntegerField(default=0)
    found_before = models.PositiveIntegerField(null=True, blank=True)
    found_after = models.PositiveIntegerField(null=True, blank=True)
    is_accepted = models.BooleanField("accepted", default=False)
    was_auto = models.BooleanField(default=False)
    switched_at = models.DateTimeField(null=True, blank=True)

    class Meta(LeasedJob.Meta):
        db_table = "reembeddings"
        constraints = [
            *job_constraints("reembeddings"),
            models.UniqueConstraint(
                fields=["reference"],
                condition=Q(state__in=UNFINISHED),
                name="reembeddings_reference_unfinished_key",
            ),
            one_of("reembeddings", "stage", ReembeddingStage),
        ]
        indexes = job_indexes("reembeddings")

    def __str__(self) -> str:
        return f"{self.from_model} → {self.to_model}: {self.stage}"
