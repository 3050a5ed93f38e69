"""One page for tagging by hand: one document, many, or a chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from core.actors import Actor
from core.admin import TenantAdmin, actor_of
from knowledge.models import Chunk, Document, Tag
from knowledge.services.tags import tag_chunks, tag_documents, untag_chunks, untag_documents

MAX_SUGGESTIONS = 300
Service = Callable[[Actor, Sequence[str]], int]


class TagNamesField(forms.CharField):
    """Tags, separated by commas."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> tuple[str, ...]:
        names = (name.strip() for name in super().clean(value).split(","))
        tags = tuple(dict.fromkeys(name for name in names if name))
        if any(len(tag) > 255 for tag in tags):
            raise forms.ValidationError("A tag has at most 255 characters.")
        return tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """What to tag, and by which services."""

    title: str
    ids: Sequence[UUID]
    references: set[UUID]
    add: Service
    remove: Service


def tagging_of_documents(documents: Sequence[Document]) -> Tagging:
    ids = [document.pk for document in documents]
    return Tagging(
        title=documents[0].filename if len(ids) == 1 else f"{len(ids)} documents",
        ids=ids,
        references={document.reference_id for document in documents},
        add=lambda actor, tags: tag_documents(actor=actor, document_ids=ids, tags=tags),
        remove=lambda actor, tags: untag_documents(actor=actor, document_ids=ids, tags=tags),
    )


def tagging_of_chunk(chunk: Chunk) -> Tagging:
    return Tagging(
        title=f"passage {chunk.position + 1} of {chunk.document}",
        ids=[chunk.pk],
        references={chunk.document.reference_id},
        add=lambda actor, tags: tag_chunks(actor=actor, chunk_ids=[chunk.pk], tags=tags),
        remove=lambda actor, tags: untag_chunks(actor=actor, chunk_ids=[chunk.pk], tags=tags),
    )


class TaggingForm(forms.Form):
    add = TagNamesField(required=False, help_text="Separated by commas.")
    remove = TagNamesField(required=False, help_text="Also from the passages, whoever set them.")


def known_words(references: Iterable[UUID]) -> list[dict[str, str]]:
    """The vocabulary of these references, with its colours, to complete what is written."""
    words = Tag.objects.filter(reference__in=list(references)).order_by("tag")
    return list(words.values("tag", "colour").distinct()[:MAX_SUGGESTIONS])


def _unknown(names: Sequence[str], references: Iterable[UUID]) -> list[str]:
    known = Tag.objects.filter(reference__in=list(references)).values_list("tag", flat=True)
    lower = {tag.lower() for tag in known}
    return [name for name in names if name.lower() not in lower]


def tagging_page(page: TenantAdmin, request: HttpRequest, tagging: Tagging) -> HttpResponse | None:
    """The page, or None when a valid form was sent and the tags are set."""
    form = TaggingForm(request.POST if "add" in request.POST else None)
    if form.is_valid():
        add, remove = form.cleaned_data["add"], form.cleaned_data["remove"]
        if add:
            tagging.add(actor_of(request), add)
        if remove:
            tagging.remove(actor_of(request), remove)
        unknown = _unknown(remove, tagging.references)
        if unknown:
            messages.warning(request, f"No document has the tag {', '.join(unknown)}.")
        messages.success(
            request, "The tags are set." if add or set(remove) - set(unknown) else "Nothing to change."
        )
        return None
    context = {
        **page.admin_site.each_context(request),
        "title": f"Tags of {tagging.title}",
        "form": form,
        "ids": tagging.ids,
        "vocabulary": known_words(tagging.references),
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/knowledge/document/tags.html", context)
