"""How documents and their jobs are shown: states in colour, stages as sentences, sizes and types for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind, JobState, Stage

COLOURS = {
    DocumentStatus.PENDING: "default",
    DocumentStatus.PROCESSING: "info",
    DocumentStatus.DONE: "success",
    DocumentStatus.ERROR: "danger",
    JobState.QUEUED: "default",
    JobState.RUNNING: "info",
    JobState.CANCELLED: "warning",
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
OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    "application/pdf": "PDF",
    f"{OFFICE}wordprocessingml.document": "Word",
    f"{OFFICE}spreadsheetml.sheet": "Excel",
    f"{OFFICE}presentationml.presentation": "PowerPoint",
    "application/msword": "Word",
    "application/vnd.ms-powerpoint": "PowerPoint",
    "application/vnd.oasis.opendocument.text": "OpenDocument",
    "application/epub+zip": "EPUB",
    "application/rtf": "RTF",
    "application/vnd.ms-outlook": "Outlook",
    "application/zip": "ZIP",
    "message/rfc822": "E-mail",
    "text/plain": "Text",
    "text/markdown": "Markdown",
    "text/html": "HTML",
}


@dataclass(frozen=True, slots=True)
class Progress:
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


def progress(document: Any) -> Progress:
    """Of a document `with_latest_job`."""
    job = document.job or {"state": "", "stage": Stage.WAIT, "attempt": 0, "done": 0, "total": 0}
    total = job["total"]
    if document.processed_status == DocumentStatus.ERROR:
        return Progress(document.error_detail or document.error_code)
    if document.processed_status == DocumentStatus.DONE:
        return Progress(f"{total} passage{'' if total == 1 else 's'}")
    if job["state"] == JobState.QUEUED:
        return Progress(
            f"Waiting for attempt {job['attempt'] + 1}" if job["attempt"] else "Waiting for a worker"
        )
    stage = STAGES[job["stage"]]
    if not total:
        return Progress(f"{stage}…")
    return Progress(f"{stage}: {job['done']} of {total} passages", percent=100 * job["done"] // total)


def state(document: Any) -> SafeString:
    """The badge with what is going on below it. The page looks for news of those that are not finished."""
    status = DocumentStatus(document.processed_status)
    context = {
        "document": document,
        "label": status.label,
        "colour": COLOURS[status],
        "progress": progress(document),
        "failed": status is DocumentStatus.ERROR,
        "unfinished": status in (DocumentStatus.PENDING, DocumentStatus.PROCESSING),
    }
    return render_to_string("admin/knowledge/document/state.html", context)


def kind(document: Document) -> str:
    return KINDS.get(document.mime_type) or document.mime_type.rpartition("/")[2].upper() or "–"
