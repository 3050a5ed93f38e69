"""How an attempt takes part in the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from knowledge.ingestion.attempt import Attempt
from knowledge.ingestion.quotas import charge_tokens
from knowledge.models import IngestionJob
from knowledge.pipeline.hooks import Hooks


def hooks_of(attempt: Attempt, jobs: Sequence[IngestionJob], *, stores_counts: bool) -> Hooks:
    """The counts of a batch of several jobs would be stored with each of them as if they were its own."""
    progress, job_of = attempt.progress, {job.document_id: job for job in jobs}

    def stages_only(stage: str, *, done: int = 0, total: int = 0) -> None:
        progress(stage)

    return Hooks(
        progress=progress if stores_counts else stages_only,
        is_wanted=lambda document_id: progress.holds(job_of[document_id]),
        charge_tokens=partial(charge_tokens, attempt, jobs),
    )
