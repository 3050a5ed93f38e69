"""One page for tagging by hand: one document, many, or a passage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from knowledge.models import Document, Tag
from knowledge.services import tags as services
from tenants.admin import TenantAdmin, actor_of

SUGGESTED = 40


class TagNames(forms.CharField):
    """Tags, separated by commas."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> tuple[str, ...]:
        names = (name.strip() for name in super().clean(value).split(","))
        tags = tuple(dict.fromkeys(name for name in names if name))
        if any(len(tag) > 255 for tag in tags):
            raise forms.ValidationError("A tag has at most 255 characters.")
        return tags


class TaggingForm(forms.Form):
    add = TagNames(label="Add", required=False, help_text="Separated by commas.")
    remove = TagNames(label="Remove", required=False, help_text="Also from the passages, whoever set them.")


def tagging_page(
    page: TenantAdmin, request: HttpRequest, documents: Sequence[Document]
) -> HttpResponse | None:
    """None when it is done."""
    form = TaggingForm(request.POST if "add" in request.POST else None)
    if form.is_valid():
        _tag(request, documents, form.cleaned_data["add"], form.cleaned_data["remove"])
        return None
    references = {document.reference_id for document in documents}
    vocabulary = Tag.objects.filter(reference__in=references).order_by("tag")
    context = {
        **page.admin_site.each_context(request),
        "title": f"Tags of {documents[0].filename if len(documents) == 1 else f'{len(documents)} documents'}",
        "form": form,
        "documents": documents,
        "vocabulary": list(vocabulary.values_list("tag", flat=True).distinct()[:SUGGESTED]),
        "checkbox": ACTION_CHECKBOX_NAME,
        "opts": page.opts,
    }
    return TemplateResponse(request, "admin/knowledge/document/tags.html", context)


def _tag(
    request: HttpRequest, documents: Sequence[Document], add: Sequence[str], remove: Sequence[str]
) -> None:
    actor, ids = actor_of(request), [document.pk for document in documents]
    if add:
        services.tag_documents(actor=actor, document_ids=ids, tags=add)
    if remove:
        services.untag_documents(actor=actor, document_ids=ids, tags=remove)
    messages.success(request, "The tags are set." if add or remove else "Nothing to change.")
