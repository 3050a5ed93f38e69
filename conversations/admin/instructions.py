"""The instruction of an assistant: editing it with a chat beside that is answered by what is written so far, publishing,
improving by a model, and the history with its differences."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from assistants.instructions import (
    Source,
    difference,
    improve_instruction,
    improvement,
    instruction_history,
    publish_instruction,
    restore_instruction,
    save_instruction,
)
from assistants.models import Assistant, Instruction
from conversations.admin.panes import PaneAddress, pane_at
from core.admin import actor_of, has_role
from core.errors import EngineError, OylError
from core.isolation.scope import tenant_scope
from core.name_fields import as_uuid
from core.names import without_forbidden
from core.permissions import Role
from core.requests import opens_own_scopes

KINDS = {"instruction": "Instruction", "ai_instruction": "Improved with AI", "system_prompt": "Published"}


@opens_own_scopes
def instructions_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The model is called outside of any transaction. What was written stays in the form if it is refused."""
    written = None
    if request.method == "POST":
        if not has_role(request, Role.EDITOR):
            raise PermissionDenied
        try:
            messages.success(request, _act(request, pk))
            return HttpResponseRedirect(request.path)
        except (OylError, EngineError) as error:
            messages.error(request, str(error))
            written = _written(request)
    with tenant_scope(actor_of(request).tenant_id):
        context = _context(request, _found(pk), written)
        return TemplateResponse(request, "admin/conversations/instructions.html", context).render()


def _written(request: HttpRequest) -> str | None:
    """The form's text; None from a form that has none."""
    text = request.POST.get("instruction")
    return None if text is None else without_forbidden(text.replace("\r\n", "\n"))


def _act(request: HttpRequest, pk: UUID) -> str:
    """Save what is written, and do what the button of the form says; returns a sentence about it."""
    actor, wanted, text = actor_of(request), request.POST.get("do", ""), _written(request)
    if text is not None:
        with tenant_scope(actor.tenant_id):
            save_instruction(actor=actor, assistant=_found(pk), text=text)
    if wanted == "save":
        return "The instruction is saved. It is used when it is published."
    if wanted == "improve":
        improve_instruction(actor=actor, assistant_id=pk)
        return "The model has rewritten the instruction. Compare, and publish it if it is better."
    with tenant_scope(actor.tenant_id):
        if wanted in [*Source]:
            publish_instruction(actor=actor, assistant=_found(pk), source=Source(wanted))
            return "The instruction is published."
        event, kind = as_uuid(request.POST.get("event", "")), request.POST.get("kind", "")
        restore_instruction(actor=actor, assistant=_found(pk), event=event or UUID(int=0), kind=kind)
        return "The text is restored."


def _found(pk: UUID) -> Assistant:
    found: Assistant | None = Assistant.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _context(request: HttpRequest, assistant: Assistant, written: str | None) -> dict[str, Any]:
    published = Instruction.objects.filter(assistant=assistant).first()
    return {
        **admin.site.each_context(request),
        "title": f"Instructions: {assistant}",
        "assistant": assistant,
        "text": assistant.instruction if written is None else written,
        "pane": pane_at(actor_of(request), PaneAddress(kind="assistant", pk=assistant.pk)),
        "is_temporary": True,
        "unpublished": difference(published.system_prompt if published else "", assistant.instruction),
        "improved": improvement(assistant) if assistant.ai_instruction else [],
        "versions": [(KINDS[one.kind], one) for one in instruction_history(assistant)],
        "may_write": has_role(request, Role.EDITOR),
    }
