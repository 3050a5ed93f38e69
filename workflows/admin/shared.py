"""What the pages of a workflow have in common."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.admin import actor_of, has_role
from core.errors import EngineError, OylError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.querysets import alive_above
from workflows.models import Workflow

REFUSED = (OylError, EngineError, ValidationError)


def workflow_of(request: HttpRequest, pk: UUID) -> Workflow:
    """Raises Http404; PermissionDenied outside of a tenant."""
    actor_of(request)
    rows = Workflow.objects.filter(alive_above(Workflow)).select_related("workspace")
    found: Workflow | None = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def require_editor(request: HttpRequest) -> None:
    if not has_role(request, Role.EDITOR):
        raise PermissionDenied


def page(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """A page of a workflow."""
    whole = {
        **admin.site.each_context(request),
        "title": title,
        "may_write": has_role(request, Role.EDITOR),
        **context,
    }
    return TemplateResponse(request, f"admin/workflows/{template}.html", whole)


class Attempt:
    """A change that services may refuse: then a message says why, and all is rolled back. `succeeded` says which it was."""

    def __init__(self, request: HttpRequest, success: str = "") -> None:
        self._request, self._success = request, success
        self._scope = tenant_scope(actor_of(request).tenant_id)
        self.succeeded = False

    def __enter__(self) -> Attempt:
        self._scope.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self._scope.__exit__(kind, error, trace)
        self.succeeded = error is None
        if isinstance(error, REFUSED):
            messages.error(self._request, sentence_of(error))
            return True
        if self.succeeded and self._success:
            messages.success(self._request, self._success)
        return False


def sentence_of(error: BaseException) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
