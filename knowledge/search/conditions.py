"""The conditions of a question, as filters of points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, reduce
from operator import or_
from uuid import UUID

from django.conf.locale import LANG_INFO
from django.db.models import Q, QuerySet

from core.isolation.scope import tenant_scope
from engines.parsing.formats import FORMATS
from engines.vectors import Filter
from knowledge.models import Document, Tag
from knowledge.search.filters import NothingCanMatch
from knowledge.search.passages import PassageFinder, all_texts, titles
from knowledge.search.phrases import Phrase, fold
from knowledge.search.question import Field, Question


def with_conditions(
    tenant_id: UUID, collections: Sequence[str], question: Question, filter: Filter
) -> Filter:
    """Return the filter with the question's conditions. Of several values of a field, a passage needs one; it needs all of
    the phrases. To be called outside of a scope. Raise NothingCanMatch, VectorStoreError."""
    groups: defaultdict[tuple[Field | None, bool, str], list[str]] = defaultdict(list)
    for condition in sorted(question.conditions, key=lambda one: one.field is None):
        apart = "" if condition.field else condition.value
        groups[condition.field, condition.excluded, apart].append(condition.value)
    for (field, excluded, _), values in groups.items():
        finder = PassageFinder(tenant_id=tenant_id, collections=collections, filter=filter)
        points = _points_having(field, values, finder)
        if excluded:
            filter = replace(filter, never=(*filter.never, *([points] if points else [])))
        elif points:
            filter = replace(filter, also=(*filter.also, points))
        else:
            raise NothingCanMatch
    return filter


def _points_having(field: Field | None, values: Sequence[str], finder: PassageFinder) -> Filter | None:
    """Return what selects the points that have one of the values, or None if there are none."""
    match field:
        case None | Field.TITLE:
            places = titles if field else all_texts
            found = Filter(point_ids=tuple({pk for value in values for pk in finder.having(value, places)}))
        case Field.LANGUAGE:
            found = Filter(languages=tuple({_languages().get(fold(value), "") for value in values} - {""}))
        case Field.TAG:
            with tenant_scope(finder.tenant_id):
                tags = Tag.objects.filter(_any_of("tag__iexact", values))
                found = Filter(tags_any=tuple(tags.values_list("pk", flat=True)))
        case Field.TYPE:
            found = Filter(document_ids=_documents_of_types(values, finder))
        case Field.FILENAME:
            found = Filter(document_ids=_documents_named(values, finder))
    return None if found == Filter() else found


def _documents_named(values: Sequence[str], finder: PassageFinder) -> tuple[UUID, ...]:
    phrases = [Phrase(value) for value in values]
    with tenant_scope(finder.tenant_id):
        names = _documents(finder).values_list("pk", "filename").iterator()
        return tuple(pk for pk, name in names if any(phrase.is_in(fold(name)) for phrase in phrases))


def _documents_of_types(values: Sequence[str], finder: PassageFinder) -> tuple[UUID, ...]:
    """Documents whose file name ends in ".value", or whose content is of the kind that the value names."""
    mime_types = {mime_type for value in values for mime_type in _mime_types().get(fold(value), ())}
    endings = _any_of("filename__iendswith", [f".{value}" for value in values])
    with tenant_scope(finder.tenant_id):
        documents = _documents(finder).filter(Q(mime_type__in=mime_types) | endings)
        return tuple(documents.values_list("pk", flat=True))


def _documents(finder: PassageFinder) -> QuerySet[Document]:
    references = finder.filter.reference_ids
    return Document.objects.filter(reference_id__in=references) if references else Document.objects.all()


def _any_of(lookup: str, values: Sequence[str]) -> Q:
    return reduce(or_, (Q((lookup, value)) for value in values))


@cache
def _languages() -> dict[str, str]:
    """Codes of ISO 639-1 by themselves and by the languages' names, in English and in the language itself."""
    named = [(code.partition("-")[0], info) for code, info in LANG_INFO.items() if "name" in info]
    return {fold(name): code for code, info in named for name in (code, info["name"], info["name_local"])}


@cache
def _mime_types() -> dict[str, set[str]]:
    """Types of content by their names, as "pdf", "Word", "images" or "image"."""
    types: defaultdict[str, set[str]] = defaultdict(set)
    for format in FORMATS:
        sole_name = format.detected_as if len(format.detected_as) == 1 else ()
        for name in (format.mime_type, format.label, format.group, *sole_name):
            types[fold(name)].add(format.mime_type)
            types[fold(name.removesuffix("s"))].add(format.mime_type)
    return dict(types)
