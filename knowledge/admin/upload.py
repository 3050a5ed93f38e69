"""Uploading documents, outside of any transaction."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminSelect2Widget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core.admin import TenantAdmin, actor_of
from core.admin.theme import ModelChoiceField
from core.errors import OylError
from core.isolation.scope import tenant_scope
from core.json_values import FormDecoder
from knowledge.admin.tagging import TagNamesField
from knowledge.models import Reference
from knowledge.services.adding import UploadOutcome, add_documents
from knowledge.services.references import get_or_create_reference
from knowledge.storage.uploads import local_uploads
from workspaces.models import Workspace

START, FIRST_WORKSPACE, FIRST_REFERENCE = "start", "Main", "Documents"
OUTCOME_TEXTS = {
    UploadOutcome.ADDED: "added",
    UploadOutcome.UPDATED: "replaced by the new version",
    UploadOutcome.UNCHANGED: "unchanged: OYL has exactly this file already",
}


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"


class FilesField(forms.FileField):
    widget = FilesInput(attrs={"class": "oyl-files"})

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        """Clean each file as a `FileField` does one."""
        if not data:
            raise forms.ValidationError("Choose at least one file.")
        files = []
        for file in data:
            try:
                files.append(super().clean(file, initial))
            except forms.ValidationError as error:
                texts = [f"“{file.name}”: {text}" for text in error.messages]
                raise forms.ValidationError(texts) from error
        return files


class ReferenceChoiceField(ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.workspace.name} › {obj.name}"


class MetadataField(forms.JSONField):
    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)

    def clean(self, value: Any) -> dict[str, Any]:
        metadata = super().clean(value) or {}
        if not isinstance(metadata, dict):
            raise forms.ValidationError('Write a JSON object, as in {"author": "Ada"}.')
        return metadata


class UploadForm(forms.Form):
    documents = FilesField(allow_empty_file=True, help_text="An archive is unpacked into its documents.")
    reference = ReferenceChoiceField(
        queryset=None,
        widget=UnfoldAdminSelect2Widget,
        help_text="The library that the documents belong to.",
    )
    tags = TagNamesField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Separated by commas; all of these documents and their passages get them.",
    )
    metadata = MetadataField(
        required=False,
        decoder=FormDecoder,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": '{"author": "…", "year": 2026}'}),
        help_text="A JSON object for all of these documents, to filter searches by.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        references: Any = self.fields["reference"]
        references.queryset = Reference.objects.select_related("workspace").order_by(
            "workspace__name", "name"
        )
        only = references.queryset[:2]
        if len(only) == 1:
            references.initial = only[0].pk

    def only_into(self, reference: Reference) -> UploadForm:
        """The form for a page of this reference: nothing is chosen."""
        field: Any = self.fields["reference"]
        field.initial, field.widget = reference.pk, forms.HiddenInput()
        return self

    def clean_documents(self) -> list[UploadedFile[Any]]:
        files: list[UploadedFile[Any]] = self.cleaned_data["documents"]
        counts = Counter(str(file.name) for file in files)
        if duplicates := [name for name, count in counts.items() if count > 1]:
            raise forms.ValidationError(
                f"Two of the files are named “{duplicates[0]}”. Upload them one after another."
            )
        return files


def upload_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """To be called outside of a scope: the files are stored before any transaction begins."""
    actor = actor_of(request)
    if request.method == "POST" and START in request.POST:
        return _started(request)
    with tenant_scope(actor.tenant_id):
        form = UploadForm(request.POST or None, request.FILES or None, initial=request.GET.dict())
        if not form.is_valid():
            return _form_page(page, request, form)
    data = form.cleaned_data
    try:
        files = {str(file.name): file for file in data["documents"]}
        with local_uploads(files, metadata=data["metadata"], tags=data["tags"]) as uploads:
            added = add_documents(actor=actor, reference_id=data["reference"].pk, uploads=uploads)
    except OylError as error:
        form.add_error(None, str(error))
        with tenant_scope(actor.tenant_id):
            return _form_page(page, request, form)
    for outcome, count in Counter(document.outcome for document in added).items():
        text = f"{count} document{'' if count == 1 else 's'} {OUTCOME_TEXTS[outcome]}."
        (messages.info if outcome is UploadOutcome.UNCHANGED else messages.success)(request, text)
    return HttpResponseRedirect(reverse("admin:knowledge_document_changelist"))


def _started(request: HttpRequest) -> HttpResponse:
    """Make the first reference, for those who want to begin at once, in a workspace of its own if there is none."""
    actor, address = actor_of(request), reverse("admin:knowledge_document_add")
    with tenant_scope(actor.tenant_id):
        first = Workspace.objects.order_by("created_at").first()
    try:
        reference = get_or_create_reference(
            actor=actor, workspace=first.name if first else FIRST_WORKSPACE, reference=FIRST_REFERENCE
        )
    except OylError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(address)
    return HttpResponseRedirect(f"{address}?reference={reference.pk}")


def _form_page(page: TenantAdmin, request: HttpRequest, form: UploadForm) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": "Upload documents",
        "form": form,
        "has_references": Reference.objects.exists(),
        "media": page.media + form.media,
    }
    return TemplateResponse(request, "admin/knowledge/document/upload.html", context).render()
