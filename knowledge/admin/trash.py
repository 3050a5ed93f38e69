"""The trash: what was deleted and can be restored, and what becomes of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from core.admin import actor_of, has_role
from core.errors import OylError
from core.permissions import Role
from knowledge.models import Reference
from knowledge.services.changing import TRASH_DAYS
from knowledge.services.trash import (
    delete_for_good,
    restore_documents,
    restore_reference,
    trashed_documents,
)

SHOWN = 200


def trash_page(request: HttpRequest) -> HttpResponse:
    """A POST restores, or deletes for good, what is chosen."""
    actor_of(request)  # operators are in a tenant here, or see nothing
    if request.method == "POST":
        return _changed(request)
    named, rows = request.GET.get("q", "").strip(), trashed_documents()
    documents = list((rows.filter(filename__icontains=named) if named else rows)[: SHOWN + 1])
    context = {
        **admin.site.each_context(request),
        "title": "Trash",
        "days": TRASH_DAYS,
        "q": named,
        "documents": documents[:SHOWN],
        "has_more": len(documents) > SHOWN,
        "references": _references(),
        "may_write": has_role(request, Role.EDITOR),
        "now": timezone.now(),
    }
    return TemplateResponse(request, "admin/knowledge/trash.html", context)


def _references() -> list[Any]:
    """Deleted ones of which documents can be restored."""
    ids = trashed_documents().filter(reference__deleted_at__isnull=False).order_by()
    rows = Reference.with_deleted.filter(pk__in=ids.values("reference"), knowledge_base=None)
    return list(rows.select_related("workspace").order_by("name")[:SHOWN])


def _changed(request: HttpRequest) -> HttpResponse:
    actor, do = actor_of(request), request.POST.get("do", "")
    chosen = [UUID(value) for value in request.POST.getlist("document") if _is_id(value)]
    try:
        if do == "restore":
            count = restore_documents(actor=actor, document_ids=chosen)
            text = f"{_documents(count)} restored. Their passages are made anew."
        elif do == "delete":
            count = delete_for_good(actor=actor, document_ids=chosen)
            text = f"{_documents(count)} deleted for good."
        else:
            reference_id = request.POST.get("reference", "")
            count = (
                restore_reference(actor=actor, reference_id=UUID(reference_id)) if _is_id(reference_id) else 0
            )
            text = f"Restored, with {_documents(count)}."
        messages.success(request, text)
    except OylError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("admin:trash"))


def _documents(count: int) -> str:
    return f"{count} document{'' if count == 1 else 's'}"


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
