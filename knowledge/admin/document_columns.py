"""How documents and their jobs are shown: states in colour, stages as sentences, sizes and types for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from engines.parsing.formats import BY_TYPE, FORMATS
from jobs.states import JobState
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind, Stage

STATUS_COLOURS = {
    DocumentStatus.PENDING: "default",
    DocumentStatus.PROCESSING: "info",
    DocumentStatus.DONE: "success",
    DocumentStatus.ERROR: "danger",
}
STAGES = {
    Stage.WAIT: "Starting",
    Stage.PARSE: "Reading the file",
    Stage.CHUNK: "Cutting into passages",
    Stage.EMBED: "Embedding",
    Stage.TAG: "Tagging",
    Stage.INDEX: "Indexing",
    Stage.FLIP: "Switching to the new version",
    Stage.CLEAN: "Removing the old version",
}
# The types that lists of documents are filtered by, with all mime types of each.
KINDS: dict[str, list[str]] = {}
for one in FORMATS:
    KINDS.setdefault(one.label, []).append(one.mime_type)


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """What a document's row says below its state; `percent` is None when nothing can be counted."""

    sentence: str
    percent: int | None = None


def with_latest_job(documents: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Each document gets `job`: the facts of its newest ingestion, in the same query."""
    facts = JSONObject(
        state="state", stage="stage", attempt="attempt", done="chunks_done", total="chunks_total"
    )
    newest = IngestionJob.objects.filter(document=OuterRef("pk"), kind=JobKind.INGEST).order_by("-generation")
    annotated: models.QuerySet[Any] = documents.annotate(job=Subquery(newest.values(facts=facts)[:1]))
    return annotated


def progress(document: Any) -> ProgressBar:
    """Of a document `with_latest_job`."""
    job = document.job or {"state": "", "stage": Stage.WAIT, "attempt": 0, "done": 0, "total": 0}
    total = job["total"]
    if document.processed_status == DocumentStatus.ERROR:
        return ProgressBar(document.error_detail or document.error_code)
    if document.processed_status == DocumentStatus.DONE:
        return ProgressBar(f"{total} passage{'' if total == 1 else 's'}")
    if job["state"] == JobState.QUEUED:
        return ProgressBar(
            f"Waiting for attempt {job['attempt'] + 1}" if job["attempt"] else "Waiting for a worker"
        )
    stage = STAGES[job["stage"]]
    if not total:
        return ProgressBar(f"{stage}…")
    return ProgressBar(f"{stage}: {job['done']} of {total} passages", percent=100 * job["done"] // total)


def state(document: Any) -> SafeString:
    """The badge with what is going on below it. The page looks for news of those that are not finished."""
    status = DocumentStatus(document.processed_status)
    context = {
        "document": document,
        "label": status.label,
        "colour": STATUS_COLOURS[status],
        "progress": progress(document),
        "failed": status is DocumentStatus.ERROR,
        "unfinished": status in (DocumentStatus.PENDING, DocumentStatus.PROCESSING),
    }
    return render_to_string("admin/knowledge/document/state.html", context)


def kind(document: Document) -> str:
    return BY_TYPE[document.mime_type].label if document.mime_type in BY_TYPE else document.mime_type or "–"
