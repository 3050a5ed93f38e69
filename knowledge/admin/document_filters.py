"""Filters of the list of documents. None reads the whole table to find its choices."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.http import HttpRequest
from django.utils.timezone import make_aware
from unfold.contrib.filters.admin import TextFilter

from knowledge.admin import document_columns
from knowledge.models import Chunk, DocumentTag
from knowledge.search.language_names import language_named

Documents = models.QuerySet[Any]


class KindFilter(admin.SimpleListFilter):
    """Fixed choices, because finding out which types occur would read the whole table."""

    title = "type"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in document_columns.KINDS]

    def queryset(self, request: HttpRequest, queryset: Documents) -> Documents:
        if not self.value():
            return queryset
        return queryset.filter(mime_type__in=document_columns.KINDS.get(self.value() or "", []))


class WarningsFilter(admin.SimpleListFilter):
    title = "what was not read"
    parameter_name = "warnings"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("some", "Something was not read"), ("none", "All was read")]

    def queryset(self, request: HttpRequest, queryset: Documents) -> Documents:
        if self.value() not in ("some", "none"):
            return queryset
        return queryset.filter(has_warnings=self.value() == "some")


class _Text(TextFilter):
    """Nothing is filtered while nothing is written."""

    def queryset(self, request: HttpRequest, queryset: Documents) -> Documents:
        text = (self.value() or "").strip()
        return self.filtered(queryset, text) if text else queryset

    def filtered(self, documents: Documents, text: str) -> Documents:
        raise NotImplementedError


class _TagsFilter(_Text):
    """Names with commas between them, in any case: tags of whole documents."""

    def filtered(self, documents: Documents, text: str) -> Documents:
        return self.tagged(documents, [_has_tag(name.strip()) for name in text.split(",") if name.strip()])

    def tagged(self, documents: Documents, conditions: list[Exists]) -> Documents:
        raise NotImplementedError


def _has_tag(name: str) -> Exists:
    return Exists(DocumentTag.objects.filter(document=OuterRef("pk"), tag__tag__iexact=name))


class AnyTagFilter(_TagsFilter):
    title, parameter_name = "any of the tags", "any_tag"

    def tagged(self, documents: Documents, conditions: list[Exists]) -> Documents:
        wanted = Q()
        for condition in conditions:
            wanted |= Q(condition)
        return documents.filter(wanted)


class AllTagsFilter(_TagsFilter):
    title, parameter_name = "all of the tags", "all_tags"

    def tagged(self, documents: Documents, conditions: list[Exists]) -> Documents:
        return documents.filter(*conditions)


class NoTagFilter(_TagsFilter):
    title, parameter_name = "none of the tags", "no_tag"

    def tagged(self, documents: Documents, conditions: list[Exists]) -> Documents:
        return documents.filter(*(~condition for condition in conditions))


class ErrorFilter(_Text):
    title, parameter_name = "words of the error", "error"

    def filtered(self, documents: Documents, text: str) -> Documents:
        return documents.filter(Q(error_detail__icontains=text) | Q(error_code=text))


class LanguageFilter(_Text):
    """Of a passage: by its code or name, as "de", "German" or "Deutsch"."""

    title, parameter_name = "language", "language"

    def filtered(self, documents: Documents, text: str) -> Documents:
        passages = Chunk.objects.filter(document=OuterRef("pk"), generation=F("document__generation"))
        return documents.filter(Exists(passages.filter(language=language_named(text) or text)))


class SourceFilter(_Text):
    """Where it comes from: the beginning of its path, address or id there."""

    title, parameter_name = "source (folder or address)", "source"

    def filtered(self, documents: Documents, text: str) -> Documents:
        return documents.filter(external_id__istartswith=text)


class _DateFilter(_Text):
    """A day as 2026-03-31, by the clock of the reader."""

    lookup = ""
    edge = time.min

    def filtered(self, documents: Documents, text: str) -> Documents:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return documents.none()
        return documents.filter(**{self.lookup: make_aware(datetime.combine(day, self.edge))})


class AddedFromFilter(_DateFilter):
    title, parameter_name, lookup = "added since (as 2026-03-31)", "since", "created_at__gte"


class AddedUntilFilter(_DateFilter):
    title, parameter_name, lookup = "added until (as 2026-03-31)", "until", "created_at__lte"
    edge = time.max
