"""Try a search: what an assistant would find, and with which scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from core.actors import Actor
from core.admin import actor_of
from core.admin.theme import ModelChoiceField
from core.errors import OylError
from core.isolation.scope import tenant_scope
from core.requests import opens_own_scopes
from engines.embedding import EmbeddingError
from engines.vectors import Mode, VectorStoreError
from knowledge.admin.expecting import expecting
from knowledge.admin.highlights import highlighted
from knowledge.admin.tagging import TagNamesField
from knowledge.models import Document, DocumentStatus, KnowledgeBase, Reference
from knowledge.search.filter_language import parse_filter_text
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.reasons import in_words, matched_in
from knowledge.search.service import NOTHING_FOUND, search
from knowledge.search.warnings import Warn

MODES = [
    (Mode.HYBRID, "Meaning and words"),
    (Mode.DENSE, "Meaning only (dense)"),
    (Mode.SPARSE, "Words only (sparse)"),
]

# What the component scores say.
COMPONENTS = {
    "dense": "how alike question and passage are in meaning (cosine, 1 is the same)",
    "sparse": "how much the words of the question say about the passage (BM25; rare words count more)",
    "fused": "both together, from 0 to 1",
    "rerank": "what a model says that reads question and passage together",
}
# A document that is looked for is looked for among so many passages.
DEEP = 500


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
    knowledge_base: Any = ModelChoiceField(
        queryset=None, required=False, widget=UnfoldAdminSelect2Widget, help_text="Only what it reads."
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
    compare = forms.BooleanField(
        required=False,
        label="Compare the modes",
        widget=UnfoldBooleanSwitchWidget,
        help_text="Meaning and words, meaning only and words only, side by side.",
    )
    expected = forms.CharField(
        required=False,
        max_length=255,
        label="Why not this document?",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "File name"}),
        help_text="Says at which place it is, and what keeps it away.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["references"].queryset = Reference.objects.order_by("name")
        fields["knowledge_base"].queryset = KnowledgeBase.objects.order_by("name")


@opens_own_scopes
def search_page(request: HttpRequest) -> HttpResponse:
    """The embedder and the vector store are called outside of any transaction."""
    tenant_id = actor_of(request).tenant_id
    with tenant_scope(tenant_id):
        form = SearchForm(request.GET if "query" in request.GET else None, initial=request.GET.dict())
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
            **(expecting(request, form.cleaned_data["query"]) if is_valid else {}),
            **results,
        }
        return TemplateResponse(request, "admin/knowledge/search.html", context).render()


def _search(request: HttpRequest, form: SearchForm, references: tuple[UUID, ...]) -> dict[str, Any]:
    """The page's context: the hits and the duration, or an error."""
    data, started, warnings = form.cleaned_data, time.perf_counter(), list[str]()
    modes = [mode for mode, _ in MODES] if data["compare"] else [Mode(data["mode"] or Mode.HYBRID)]
    try:
        asked = _Asked(actor_of(request), data, references, warnings.append)
        found = {mode: asked.chunks(mode) for mode in modes}
        seconds = time.perf_counter() - started
        expected, document = asked.why_not(modes[0]) if data["expected"] else ("", None)
    except (OylError, EmbeddingError, VectorStoreError) as error:
        return {"error": str(error)}
    return {
        "columns": [
            {"title": dict(MODES)[mode], "hits": _shown(data["query"], chunks)}
            for mode, chunks in found.items()
        ],
        "filters": _chips(data),
        "expected": expected,
        "looked_for": document,
        "components": COMPONENTS,
        "warnings": list(dict.fromkeys(warnings)),
        "milliseconds": round(1000 * seconds),
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """One form, searched for in several ways."""

    actor: Actor
    data: dict[str, Any]
    references: tuple[UUID, ...]
    warn: Warn

    def chunks(self, mode: Mode, **others: Any) -> list[FoundChunk]:
        data = self.data
        wanted: dict[str, Any] = {
            "filters": SearchFilters(
                references=self.references or None,
                knowledge_base=data["knowledge_base"].pk if data["knowledge_base"] else None,
                tags_any=data["tags"],
                where=(parse_filter_text(data["where"]),) if data["where"] else (),
            ),
            "min_score": data["min_score"],
            "fold_similar": data["fold_similar"],
            "rerank": data["rerank"],
            "warn": self.warn,
            **others,
        }
        return search(actor=self.actor, query=data["query"], mode=mode, **wanted)

    def why_not(self, mode: Mode) -> tuple[str, UUID | None]:
        """Where the document with this name is among many hits, and whether the filters keep it away; with its id."""
        name = self.data["expected"].strip().lower()
        deep = {"limit": DEEP, "min_score": 0, "rerank": False, "fold_similar": False, "audited": False}

        def place(chunks: list[FoundChunk]) -> tuple[int, FoundChunk] | None:
            return next(((n, one) for n, one in enumerate(chunks, 1) if name in one.filename.lower()), None)

        if found := place(self.chunks(mode, **deep)):
            number, chunk = found
            below = " That is below what counts as an answer." if chunk.score < NOTHING_FOUND else ""
            sentence = f"its best passage is at place {number}, with relevance {chunk.score:.2f}.{below}"
            return f"{chunk.filename}: {sentence}", chunk.document_id
        if unfiltered := place(self.chunks(mode, **deep, filters=SearchFilters())):
            number, chunk = unfiltered
            sentence = f"the filters keep it away; without them it is at place {number}."
            return f"{chunk.filename}: {sentence}", chunk.document_id
        with tenant_scope(self.actor.tenant_id):
            document = Document.objects.filter(filename__icontains=name).defer("text").first()
        if document is None:
            return "There is no document of this name.", None
        if document.processed_status != DocumentStatus.DONE:
            why = document.error_detail or "it waits for its turn"
            return f"{document.filename}: it is not read: {why}.", document.pk
        return f"{document.filename}: none of its passages is among the first {DEEP}.", document.pk


def _shown(query: str, chunks: Sequence[FoundChunk]) -> list[dict[str, Any]]:
    return [
        {
            "chunk": chunk,
            "pieces": list(highlighted(chunk.text, query)),
            "heading": " › ".join(chunk.heading),
            "relevance": f"{chunk.score:.2f}",
            "is_unlikely": bool(chunk.scores) and chunk.score < NOTHING_FOUND,
            "reason": in_words(matched_in(query, chunk)) if chunk.scores else "",
            "scores": {name: f"{score:.3f}" for name, score in chunk.scores.items()},
        }
        for chunk in chunks
    ]


def _chips(data: dict[str, Any]) -> list[str]:
    """What narrows the search, in words."""
    chips = [f"in {reference.name}" for reference in data["references"]]
    chips += [f"read by {data['knowledge_base'].name}"] if data["knowledge_base"] else []
    chips += [f"tag {tag}" for tag in data["tags"]]
    chips += [f"filter {data['where']}"] if data["where"] else []
    return chips + ([f"relevance of {data['min_score']} or more"] if data["min_score"] else [])
