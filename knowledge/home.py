"""The documents' part of the admin's first page: counts by status, failures, and what to do next."""

from __future__ import annotations

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse

from core.admin import has_role
from core.admin.home import Home, NextStep, Panel, Tile
from core.permissions import Role
from knowledge.admin.document_columns import STATUS_COLOURS
from knowledge.models import Document, DocumentStatus, Reference

PANEL_ROWS = 8


def home(request: HttpRequest) -> Home:
    counts = dict(Document.objects.values_list("processed_status").annotate(Count("pk")).order_by())
    changelist = reverse("admin:knowledge_document_changelist")
    documents = Document.objects.select_related("reference").defer("text")
    failed = documents.filter(processed_status=DocumentStatus.ERROR).order_by("-updated_at")
    return Home(
        tiles=[
            Tile(
                label=str(status.label),
                count=counts.get(status, 0),
                colour=STATUS_COLOURS[status],
                link=f"{changelist}?processed_status__exact={status}",
            )
            for status in DocumentStatus
        ],
        panels=[
            Panel(
                title="What failed, and why",
                template="admin/knowledge/home_failures.html",
                rows=list(failed[:PANEL_ROWS]),
            ),
            Panel(
                title="Newest documents",
                template="admin/knowledge/home_newest.html",
                rows=list(documents.order_by("-created_at")[:PANEL_ROWS]),
            ),
        ],
        next_step=None if counts else _next_step(request),
    )


def _next_step(request: HttpRequest) -> NextStep:
    """What to do before a search can find something, as far as the role allows."""
    if not has_role(request, Role.EDITOR):
        return NextStep(sentence="There are no documents yet. Editors of your organisation can upload some.")
    if not Reference.objects.exists():
        return NextStep(
            sentence="Make a reference next: a library that documents are uploaded to.",
            link=reverse("admin:knowledge_reference_add"),
            button="Make a reference",
        )
    return NextStep(
        sentence="Upload your first documents. They can be searched as soon as they are processed.",
        link=reverse("admin:knowledge_document_add"),
        button="Upload documents",
    )
