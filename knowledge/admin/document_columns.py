"""Columns of documents: the status as a coloured badge with progress, the type as a label."""

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
# {label of a type that lists of documents are filtered by: its MIME types}
KINDS: dict[str, list[str]] = {}
for file_format in FORMATS:
    KINDS.setdefault(file_format.label, []).append(file_format.mime_type)


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """What a document's row says below its status; `percent` is None when nothing can be counted."""

    sentence: str
    percent: int | None = None


def with_latest_job(documents: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Annotate each document with `job`, the fields of its newest ingestion."""
    fields = JSONObject(
        state="state",
        stage="stage",
        error="error_code",
        done="chunks_done",
        total="chunks_total",
    )
    newest = IngestionJob.objects.filter(document=OuterRef("pk"), kind=JobKind.INGEST).order_by("-generation")
    annotated: models.QuerySet[Any] = documents.annotate(job=Subquery(newest.values(fields=fields)[:1]))
    return annotated


def progress(document: Any) -> ProgressBar:
    """`document` is one `with_latest_job`."""
    job = document.job or {"state": "", "stage": Stage.WAIT, "error": "", "done": 0, "total": 0}
    total = job["total"]
    if document.processed_status == DocumentStatus.ERROR:
        return ProgressBar(document.error_detail or document.error_code)
    if document.processed_status == DocumentStatus.DONE:
        return ProgressBar(f"{total} passage{'' if total == 1 else 's'}")
    if job["state"] == JobState.QUEUED:
        # A job may be handed back without a failure, to be worked on alone or after others.
        return ProgressBar("Waiting to be tried again" if job["error"] else "Waiting for its turn")
    stage = STAGES[job["stage"]]
    if not total:
        return ProgressBar(f"{stage}…")
    return ProgressBar(f"{stage}: {job['done']} of {total} passages", percent=100 * job["done"] // total)


def state(document: Any) -> SafeString:
    """The status badge with the progress below it. The page polls for those that are not finished."""
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


def chips(document: Document, *, with_sources: bool = False) -> SafeString:
    """The document's own tags, in their colours."""
    links = sorted(document.document_tags.all(), key=lambda link: str(link.tag.tag).lower())
    context = {"links": links, "with_sources": with_sources}
    return render_to_string("admin/knowledge/document/chips.html", context)


def kind(document: Document) -> str:
    return BY_TYPE[document.mime_type].label if document.mime_type in BY_TYPE else document.mime_type or "–"
