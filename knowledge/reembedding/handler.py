"""How reembeddings are claimed: one at a time, in the queue of ingestion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.querysets import JobQuerySet
from knowledge.models import Reembedding, ReembeddingStage
from knowledge.queueing import QUEUE
from knowledge.reembedding.steps import Step


class ReembeddingHandler(JobHandler[Reembedding]):
    model = Reembedding
    queue = QUEUE

    def claimable(self) -> JobQuerySet[Reembedding]:
        due = Reembedding.objects.due().select_related("reference")
        rows: JobQuerySet[Reembedding] = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        return rows

    def work(self, tenant_id: UUID, batch: Sequence[Reembedding], progress: JobProgress) -> None:
        (reembedding,) = batch
        step = Step(self, reembedding, progress)
        steps = {
            ReembeddingStage.EMBED: step.embed,
            ReembeddingStage.CHECK: step.check,
            ReembeddingStage.KEEP: step.keep,
            ReembeddingStage.REMOVE: step.remove,
        }
        steps[ReembeddingStage(reembedding.stage)]()

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        """The stage is that of the whole change."""
        return {}

    def may_give_up(self, job: Reembedding) -> bool:
        """False: it is tried until it succeeds or is rolled back; the old vectors answer until then."""
        return False
