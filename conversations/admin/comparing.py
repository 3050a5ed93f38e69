"""The published instruction and one that is not published yet, asked the same questions side by side."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from assistants.instructions import Source
from assistants.models import Assistant
from conversations.services.comparing import MAX_QUESTIONS, compare_instructions
from core.admin import actor_of, has_role
from core.errors import EngineError, OylError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.requests import opens_own_scopes

SOURCES = [(Source.INSTRUCTION, "The instruction"), (Source.AI_INSTRUCTION, "The one improved with AI")]


class CompareForm(forms.Form):
    source = forms.ChoiceField(choices=SOURCES, widget=UnfoldAdminSelectWidget)
    questions = forms.CharField(
        max_length=5000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text=f"One in a line, at most {MAX_QUESTIONS}.",
    )


@opens_own_scopes
def compare_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The models are called outside of any transaction."""
    actor = actor_of(request)
    if not has_role(request, Role.EDITOR):
        raise PermissionDenied
    with tenant_scope(actor.tenant_id):
        assistant = Assistant.objects.filter(pk=pk).first()
    if assistant is None:
        raise Http404
    form = CompareForm(request.POST or None)
    result = _result(request, pk, form) if form.is_valid() else {}
    with tenant_scope(actor.tenant_id):
        context = {
            **admin.site.each_context(request),
            "title": f"Compare instructions: {assistant}",
            "assistant": assistant,
            "form": form,
            **result,
        }
        return TemplateResponse(request, "admin/conversations/compare.html", context).render()


def _result(request: HttpRequest, pk: UUID, form: CompareForm) -> dict[str, Any]:
    lines = [one.strip() for one in form.cleaned_data["questions"].splitlines()]
    try:
        compared = compare_instructions(
            actor=actor_of(request),
            assistant=pk,
            source=Source(form.cleaned_data["source"]),
            questions=[*filter(None, lines)],
        )
    except (OylError, EngineError) as error:
        return {"error": str(error)}
    return {"compared": compared}
