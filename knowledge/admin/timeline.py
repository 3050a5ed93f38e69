"""The stages of jobs with the time that each took, as bars."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from jobs.states import JobState
from knowledge.admin.document_columns import STAGES
from knowledge.models import IngestionJob, JobKind, Stage

SHOWN_JOBS = 10
TITLES = {
    JobKind.INGEST: "Reading",
    JobKind.PURGE: "Removal",
    JobKind.REEMBED: "Embedding with another model",
}


def timeline(document_id: object) -> SafeString:
    """The newest jobs of the document, the newest first."""
    jobs = IngestionJob.objects.filter(document=document_id).order_by("-created_at")[:SHOWN_JOBS]
    context = {"jobs": [_shown(job) for job in jobs]}
    return render_to_string("admin/knowledge/document/timeline.html", context)


def _shown(job: IngestionJob) -> dict[str, Any]:
    total = sum(job.timings_json.values()) or 1.0
    stages, before = [], 0.0
    for stage, seconds in job.timings_json.items():
        title = STAGES.get(Stage(stage), stage) if stage in Stage.values else stage
        stages.append(
            {
                "title": title,
                "seconds": f"{seconds:.2f}",
                "start": 100 * before / total,
                "share": 100 * seconds / total,
            }
        )
        before += seconds
    return {
        "job": job,
        "title": TITLES[JobKind(job.kind)],
        "state": JobState(job.state).label,
        "seconds": f"{before:.1f}",
        "waited": _waited(job),
        "stages": stages,
    }


def _waited(job: IngestionJob) -> str:
    if job.started_at is None:
        return ""
    return f"{(job.started_at - job.created_at).total_seconds():.1f}"
