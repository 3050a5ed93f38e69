"""The first page: how the documents stand, what failed and why, and what to do next."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse

from knowledge.admin.shown import COLOURS
from knowledge.models import Document, DocumentStatus, Reference
from tenants.admin import has_role
from tenants.models import Role
from workspaces.models import Workspace

RECENT = 8


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    counts = dict(Document.objects.values_list("processed_status").annotate(Count("pk")).order_by())
    listed = reverse("admin:knowledge_document_changelist")
    documents = Document.objects.select_related("reference").defer("text")
    failed = documents.filter(processed_status=DocumentStatus.ERROR).order_by("-updated_at")
    return {
        **context,
        "title": "Overview",
        "states": [
            {
                "label": status.label,
                "count": counts.get(status, 0),
                "colour": COLOURS[status],
                "link": f"{listed}?processed_status__exact={status}",
            }
            for status in DocumentStatus
        ],
        "failures": list(failed[:RECENT]),
        "newest": list(documents.order_by("-created_at")[:RECENT]),
        "next": _next_step(request, sum(counts.values())),
    }


def _next_step(request: HttpRequest, documents: int) -> dict[str, str] | None:
    """The one thing that is missing before a search can find something, as far as the role allows to do it."""
    if documents:
        return None
    if not has_role(request, Role.EDITOR):
        return {"sentence": "There are no documents yet. Editors of your organisation can upload some."}
    if not Workspace.objects.exists():
        if not has_role(request, Role.ADMIN):
            return {
                "sentence": "There is no workspace yet. Ask an administrator of your organisation to make one."
            }
        return {
            "sentence": "Start with a workspace: a department, a project, or simply your organisation.",
            "link": reverse("admin:workspaces_workspace_add"),
            "button": "Make a workspace",
        }
    if not Reference.objects.exists():
        return {
            "sentence": "Make a reference next: a library that documents are uploaded to.",
            "link": reverse("admin:knowledge_reference_add"),
            "button": "Make a reference",
        }
    return {
        "sentence": "Upload your first documents. They can be searched as soon as they are processed.",
        "link": reverse("admin:knowledge_document_add"),
        "button": "Upload documents",
    }
