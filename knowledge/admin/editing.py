"""Changing a document: its name, reference and metadata, and its file."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelect2Widget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core.admin import TenantAdmin, actor_of
from core.errors import OylError
from core.isolation.scope import tenant_scope
from core.json_values import FormDecoder
from knowledge.admin.upload import OUTCOME_TEXTS, MetadataField
from knowledge.models import Document, Reference
from knowledge.services.adding import add_documents
from knowledge.services.editing import DocumentChanges, change_document
from knowledge.storage.uploads import local_uploads


class EditForm(forms.Form):
    filename = forms.CharField(max_length=255, label="Name", widget=UnfoldAdminTextInputWidget)
    reference: Any = forms.ModelChoiceField(
        queryset=None,
        widget=UnfoldAdminSelect2Widget,
        help_text="A document moves within its workspace, with its tags.",
    )
    metadata = MetadataField(
        required=False,
        decoder=FormDecoder,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text='A JSON object to filter searches by, as in {"author": "Ada", "year": 2026}.',
    )

    def __init__(self, document: Document, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        references = cast(Any, self.fields["reference"])
        rows = Reference.objects.filter(workspace=document.reference.workspace_id)
        references.queryset = rows.order_by("name")


class ReplaceForm(forms.Form):
    file = forms.FileField(
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"class": "oyl-files"}),
        help_text="Its present passages answer until the new file is read. Tags and metadata stay.",
    )


def edit_page(page: TenantAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    """Inside a scope."""
    present = {
        "filename": document.filename,
        "reference": document.reference_id,
        "metadata": document.metadata_json,
    }
    form = EditForm(document, request.POST or None, initial=present)
    if form.is_valid():
        data = form.cleaned_data
        changes = DocumentChanges(
            filename=data["filename"], reference_id=data["reference"].pk, metadata=data["metadata"]
        )
        try:
            change_document(actor=actor_of(request), document_id=document.pk, changes=changes)
        except OylError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Saved. Its passages are made anew with what has changed.")
            return _to_document(document)
    return _form_page(page, request, document, form, title="Edit", button="Save")


def replace_page(page: TenantAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    """Outside of a scope: the file is stored before any transaction begins."""
    actor, form = actor_of(request), ReplaceForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            with local_uploads({document.external_id: file}, metadata={}, tags=None, renames=True) as uploads:
                (added,) = add_documents(actor=actor, reference_id=document.reference_id, uploads=uploads)
        except OylError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{file.name}: {OUTCOME_TEXTS[added.outcome]}.")
            return _to_document(document)
    with tenant_scope(actor.tenant_id):
        return _form_page(page, request, document, form, title="Replace the file of", button="Replace")


def _form_page(
    page: TenantAdmin, request: HttpRequest, document: Document, form: forms.Form, *, title: str, button: str
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": f"{title} {document.filename}",
        "document": document,
        "form": form,
        "button": button,
        "media": page.media + form.media,
    }
    return TemplateResponse(request, "admin/knowledge/document/edit.html", context).render()


def _to_document(document: Document) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:knowledge_document_change", args=[document.pk]))
