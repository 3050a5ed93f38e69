"""Who would answer a question to a teammate, and why."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from assistants.models import Teammate
from conversations.presenting import shown_dry_run
from conversations.routing.service import dry_run
from core.admin import actor_of
from core.errors import OylError
from core.isolation.scope import tenant_scope
from core.requests import opens_own_scopes


class RouteForm(forms.Form):
    question = forms.CharField(
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Ask as a person would", "autofocus": True}),
    )


@opens_own_scopes
def who_would_answer_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The search, the embedder and the model are called outside of any transaction."""
    actor = actor_of(request)
    with tenant_scope(actor.tenant_id):
        teammate = Teammate.objects.filter(pk=pk).first()
    if teammate is None:
        raise Http404
    form = RouteForm(request.GET if "question" in request.GET else None)
    result: dict[str, Any] = {}
    if form.is_valid():
        try:
            question = form.cleaned_data["question"]
            result = {"run": shown_dry_run(dry_run(actor=actor, teammate=pk, question=question))}
        except OylError as error:
            result = {"error": str(error)}
    with tenant_scope(actor.tenant_id):
        context = {
            **admin.site.each_context(request),
            "title": f"Who would answer? {teammate}",
            "form": form,
            **result,
        }
        return TemplateResponse(request, "admin/conversations/who_would_answer.html", context).render()
