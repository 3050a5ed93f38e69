"""Try a search: what an assistant would find, and with which scores."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from core.admin import actor_of
from core.errors import OylError
from core.isolation.scope import tenant_scope
from core.requests import opens_own_scopes
from engines.embedding import EmbeddingError
from engines.vectors import Mode, VectorStoreError
from knowledge.admin.tagging import TagNamesField
from knowledge.models import Reference
from knowledge.search.filter_language import parse_filter_text
from knowledge.search.filters import SearchFilters
from knowledge.search.reasons import in_words, matched_in
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
        help_text='"words in this order", -without, filename:report title:"annual report" tag:new type:pdf language:en',
    )
    mode = forms.ChoiceField(
        choices=MODES, initial=Mode.HYBRID, required=False, widget=UnfoldAdminSelectWidget
    )
    references: Any = forms.ModelMultipleChoiceField(
        queryset=None, required=False, widget=UnfoldAdminSelect2MultipleWidget, help_text="None means all."
    )
    rerank = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="A model reads the question together with each of the first ten passages. It takes a moment.",
    )
    tags = TagNamesField(required=False, help_text="Any of these, separated by commas.")
    where = forms.CharField(
        required=False,
        max_length=10_000,
        label="Filter",
        widget=UnfoldAdminTextInputWidget,
        help_text='{"type": "gte", "key": "year", "value": 2026}, or {"type": "and", "filters": […]}',
    )
    min_score = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label="Lowest relevance",
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="From 0 to 1. Empty: nothing is found if even the best passage is hardly relevant.",
    )
    fold_similar = forms.BooleanField(
        required=False, label="Fold near-identical passages", widget=UnfoldBooleanSwitchWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        references: Any = self.fields["references"]
        references.queryset = Reference.objects.order_by("name")


@opens_own_scopes
def search_page(request: HttpRequest) -> HttpResponse:
    """The embedder and the vector store are called outside of any transaction."""
    tenant_id = actor_of(request).tenant_id
    with tenant_scope(tenant_id):
        form = SearchForm(request.GET if "query" in request.GET else None)
        is_valid = form.is_valid()
        references = tuple(reference.pk for reference in form.cleaned_data["references"]) if is_valid else ()
    results: dict[str, Any] = _search(request, form, references) if is_valid else {}
    with tenant_scope(tenant_id):
        context = {
            **admin.site.each_context(request),
            "title": "Try a search",
            "form": form,
            "media": form.media,
            "asked": is_valid,
            **results,
        }
        return TemplateResponse(request, "admin/knowledge/search.html", context).render()


def _search(request: HttpRequest, form: SearchForm, references: tuple[UUID, ...]) -> dict[str, Any]:
    """The page's context: the hits and the duration, or an error."""
    data, started, warnings = form.cleaned_data, time.perf_counter(), list[str]()
    try:
        chunks = search(
            actor=actor_of(request),
            query=data["query"],
            mode=Mode(data["mode"] or Mode.HYBRID),
            filters=SearchFilters(
                references=references or None,
                tags_any=data["tags"],
                where=(parse_filter_text(data["where"]),) if data["where"] else (),
            ),
            min_score=data["min_score"],
            fold_similar=data["fold_similar"],
            rerank=data["rerank"],
            warn=warnings.append,
        )
    except (OylError, EmbeddingError, VectorStoreError) as error:
        return {"error": str(error)}
    return {
        "hits": [
            {
                "chunk": chunk,
                "heading": " › ".join(chunk.heading),
                "relevance": f"{chunk.score:.2f}",
                "reason": in_words(matched_in(data["query"], chunk)) if chunk.scores else "",
                "scores": {name: f"{score:.3f}" for name, score in chunk.scores.items()},
            }
            for chunk in chunks
        ],
        "warnings": warnings,
        "milliseconds": round(1000 * (time.perf_counter() - started)),
    }
