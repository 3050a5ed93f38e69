"""The page of a knowledge base: the references that it reads, documents of its own, and searching and asking in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from conversations.admin.panes import PaneAddress, pane_at
from core.admin import actor_of, has_role
from core.errors import OylError
from core.json_values import json_text
from core.permissions import Role
from knowledge.admin.references import document_counts
from knowledge.admin.upload import UploadForm
from knowledge.models import KnowledgeBase, Reference
from knowledge.services.references import attachable_references, set_references


class ReferencesForm(forms.Form):
    references: Any = forms.ModelMultipleChoiceField(
        queryset=None,
        required=False,
        label="References that it reads",
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text="Those of the assistant's workspace, besides the knowledge base's own documents.",
    )

    def __init__(self, base: KnowledgeBase, *args: Any) -> None:
        super().__init__(*args)
        field: Any = self.fields["references"]
        field.queryset = attachable_references(base)
        field.initial = [*base.reference_links.values_list("reference", flat=True)]


def knowledge_base_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    actor = actor_of(request)
    base = KnowledgeBase.objects.filter(pk=pk).select_related("assistant").first()
    if base is None or base.assistant.deleted_at:
        raise Http404
    form = ReferencesForm(base, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _shown(request, base, form)
    if not has_role(request, Role.EDITOR):
        raise PermissionDenied
    if not form.is_valid():
        return _shown(request, base, form)
    try:
        ids = [one.pk for one in form.cleaned_data["references"]]
        set_references(actor=actor, knowledge_base=base, reference_ids=ids)
        messages.success(request, f"It reads {len(ids)} reference{'' if len(ids) == 1 else 's'} now.")
    except OylError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(request.path)


def _shown(request: HttpRequest, base: KnowledgeBase, form: ReferencesForm) -> HttpResponse:
    own = Reference.objects.filter(knowledge_base=base).first()
    upload = UploadForm().only_into(own) if own and has_role(request, Role.EDITOR) else None
    context = {
        **admin.site.each_context(request),
        "title": f"Knowledge base: {base}",
        "base": base,
        "may_write": has_role(request, Role.EDITOR),
        "references": form,
        "read": form.fields["references"].initial,
        "form": upload,
        "counts": document_counts(own) if own else "",
        "media": form.media + (upload.media if upload else forms.Media()),
        "pane": pane_at(actor_of(request), PaneAddress(kind="assistant", pk=base.assistant_id)),
        "is_temporary": True,
        "filters_json": json_text({"knowledge_base": str(base.pk)}),
    }
    return TemplateResponse(request, "admin/conversations/knowledge_base.html", context)
