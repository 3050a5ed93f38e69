"""The documents' part of the admin's first page: how many there are in each state, what is read now and how fast, what
failed and why, how they have grown, and what to do next."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from core.admin import has_role
from core.admin.home import MOST_COUNTED, Home, NextStep, Panel, Tile, chart_panel, counted, last_days
from core.error_codes import ERROR_CODES
from core.error_origins import Origin
from core.models import QuotaUse, StoredAmount
from core.permissions import Role
from core.quota_kinds import STORED, QuotaKind, today
from jobs.states import JobState
from knowledge.admin.document_columns import STAGES, STATUS_COLOURS
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind

PANEL_ROWS = 8
DAYS = 30
# The speed is that of so many minutes.
MINUTES = 10
GROWTH = {QuotaKind.DOCUMENTS: "Documents", QuotaKind.CHUNKS: "Passages"}


def home(request: HttpRequest) -> Home:
    stored = {kind: max(0, amount) for kind, amount in _stored_now()}
    waiting: dict[DocumentStatus, int] = {
        status: _number(status) for status in DocumentStatus if status != DocumentStatus.DONE
    }
    documents = Document.objects.select_related("reference").defer("text")
    panels = [
        Panel(title="Read now", template="admin/knowledge/home_running.html", rows=_running(waiting)),
        Panel(
            title="What failed, and why",
            template="admin/knowledge/home_failures.html",
            rows=_failures(request, documents),
        ),
        Panel(
            title="Newest documents",
            template="admin/knowledge/home_newest.html",
            rows=list(documents.order_by("-created_at")[:PANEL_ROWS]),
        ),
        *_growth(stored),
    ]
    there_are_none = not stored.get(QuotaKind.DOCUMENTS) and not any(waiting.values())
    return Home(
        title="Documents",
        place=1,
        tiles=_tiles(stored, waiting),
        panels=panels,
        next_step=_next_step(request) if there_are_none else None,
    )


def _stored_now() -> Any:
    """(kind, amount), of the quotas' counts, which are added up each minute."""
    counts = QuotaUse.objects.filter(day=STORED, kind__in=list(GROWTH)).values_list("kind").order_by()
    return counts.annotate(Sum("amount"))


def _number(status: DocumentStatus) -> int:
    return Document.objects.filter(processed_status=status)[: MOST_COUNTED + 1].count()


def _tiles(stored: dict[str, int], waiting: dict[DocumentStatus, int]) -> list[Tile]:
    """Of those that are done, the rest of all, unless there are too many others to count."""
    all_documents = stored.get(QuotaKind.DOCUMENTS, 0)
    changelist = reverse("admin:knowledge_document_changelist")
    numbers: dict[DocumentStatus, int | str] = {one: counted(number) for one, number in waiting.items()}
    if max(waiting.values()) <= MOST_COUNTED:
        numbers[DocumentStatus.DONE] = max(0, all_documents - sum(waiting.values()))
    tiles = [
        Tile(
            label=str(status.label),
            count=numbers[status],
            colour=STATUS_COLOURS[status],
            link=f"{changelist}?processed_status__exact={status}",
        )
        for status in DocumentStatus
        if status in numbers
    ]
    passages = stored.get(QuotaKind.CHUNKS, 0)
    return [
        Tile(label="All documents", count=all_documents, link=changelist),
        *tiles,
        Tile(label="Passages", count=passages, link=reverse("admin:knowledge_chunk_changelist")),
    ]


def _running(waiting: dict[DocumentStatus, int]) -> dict[str, Any]:
    """What workers read now, the documents and passages of the last minutes, and how long the rest takes at this speed."""
    since = timezone.now() - timedelta(minutes=MINUTES)
    jobs = IngestionJob.objects.filter(kind=JobKind.INGEST)
    done = jobs.filter(state=JobState.DONE, finished_at__gte=since)
    speed = done.aggregate(documents=Count("pk"), passages=Sum("chunks_total", default=0))
    running = jobs.filter(state=JobState.RUNNING).annotate(filename=F("document__filename"))
    rows: list[Any] = list(running.order_by("started_at")[:PANEL_ROWS])
    for row in rows:
        row.stage_words = STAGES[row.stage]
    left = waiting[DocumentStatus.PENDING] + waiting[DocumentStatus.PROCESSING]
    minutes = -(-left * MINUTES // speed["documents"]) if left and speed["documents"] else 0
    return {**speed, "minutes": MINUTES, "rows": rows, "left": counted(left), "minutes_left": minutes}


def _failures(request: HttpRequest, documents: QuerySet[Document]) -> list[Any]:
    """A retry is offered where it can help: a fault of the file stays."""
    newest = documents.filter(processed_status=DocumentStatus.ERROR).order_by("-updated_at")
    rows: list[Any] = list(newest[:PANEL_ROWS])
    may_retry = has_role(request, Role.EDITOR)
    for row in rows:
        code = ERROR_CODES.get(row.error_code)
        row.can_be_retried = may_retry and (code is None or code.origin is not Origin.FILE)
    return rows


def _growth(stored: dict[str, int]) -> list[Panel]:
    """A chart for each, since they are of different sizes: what was stored at the end of each day since it is counted."""
    days = last_days(DAYS)
    figures: dict[date, dict[str, int]] = {}
    rows = StoredAmount.objects.filter(day__gte=days[0], kind__in=list(GROWTH)).order_by("day")
    for day, kind, amount in rows.values_list("day", "kind", "amount"):
        figures.setdefault(day, {})[kind] = amount
    figures[today()] = stored
    return [
        chart_panel(f"Growth of {name.lower()}", "line", figures, {kind: name})
        for kind, name in GROWTH.items()
    ]


def _next_step(request: HttpRequest) -> NextStep:
    """What to do before a search can find something, as far as the role allows."""
    if not has_role(request, Role.EDITOR):
        return NextStep(sentence="There are no documents yet. Editors of your organisation can upload some.")
    return NextStep(
        sentence="Upload your first documents. They can be searched as soon as they are processed.",
        link=reverse("admin:knowledge_document_add"),
        button="Upload documents",
    )
