"""Try a search: what an assistant would find, and why."""

from __future__ import annotations

import time
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from core.admin import actor_of
from core.errors import OylError
from core.isolation.scope import tenant_scope
from core.requests import opens_own_scopes
from engines.embedding import EmbeddingError
from engines.vectors import Mode, VectorStoreError
from knowledge.admin.tagging import TagNames
from knowledge.models import Reference
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search

MODES = [
    (Mode.HYBRID, "Meaning and words"),
    (Mode.DENSE, "Meaning only (dense)"),
    (Mode.SPARSE, "Words only (sparse)"),
]


class SearchForm(forms.Form):
    query = forms.CharField(
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Ask as a person would", "autofocus": True}),
    )
    mode = forms.ChoiceField(
        choices=MODES, initial=Mode.HYBRID, required=False, widget=UnfoldAdminSelectWidget
    )
    references: Any = forms.ModelMultipleChoiceField(
        queryset=None, required=False, widget=UnfoldAdminSelect2MultipleWidget, help_text="None means all."
    )
    tags = TagNames(required=False, help_text="Any of these, separated by commas.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        references: Any = self.fields["references"]
        references.queryset = Reference.objects.order_by("name")


@opens_own_scopes
def search_page(request: HttpRequest) -> HttpResponse:
    """The embedder and the vector store are asked outside of any transaction."""
    tenant_id = actor_of(request).tenant_id
    with tenant_scope(tenant_id):
        form = SearchForm(request.GET if "query" in request.GET else None)
        asked = form.is_valid()
        references = tuple(one.pk for one in form.cleaned_data["references"]) if asked else ()
    found: dict[str, Any] = _search(request, form, references) if asked else {}
    with tenant_scope(tenant_id):
        context = {
            **admin.site.each_context(request),
            "title": "Try a search",
            "form": form,
            "media": form.media,
            "asked": asked,
            **found,
        }
        return TemplateResponse(request, "admin/knowledge/search.html", context).render()


def _search(request: HttpRequest, form: SearchForm, references: tuple[Any, ...]) -> dict[str, Any]:
    facts = form.cleaned_data
    began = time.perf_counter()
    try:
        passages = search(
            actor=actor_of(request),
            query=facts["query"],
            mode=Mode(facts["mode"] or Mode.HYBRID),
            filters=SearchFilters(references=references or None, tags_any=facts["tags"]),
        )
    except (OylError, EmbeddingError, VectorStoreError) as error:
        return {"error": str(error)}
    return {
        "hits": [_shown(passage) for passage in passages],
        "milliseconds": round(1000 * (time.perf_counter() - began)),
    }


def _shown(passage: FoundChunk) -> dict[str, Any]:
    scores = {name: f"{score:.3f}" for name, score in passage.scores.items()}
    return {"passage": passage, "heading": " › ".join(passage.heading), "scores": scores}
