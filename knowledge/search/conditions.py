"""The conditions of a question, as filters of points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Q, QuerySet

from core.isolation.scope import tenant_scope
from engines.vectors import Filter
from knowledge.models import Document, Tag
from knowledge.search.document_types import is_of_types
from knowledge.search.filters import NothingCanMatch
from knowledge.search.language_names import language_named
from knowledge.search.passages import Lookup, PassageFinder
from knowledge.search.phrases import Phrase, fold
from knowledge.search.question import Field, Question


def with_conditions(
    tenant_id: UUID, collections: Sequence[str], question: Question, filter: Filter
) -> Filter:
    """Return the filter with the question's conditions. Of several values of a field, a passage needs one; it needs all of
    the phrases. To be called outside of a scope. Raise NothingCanMatch, VectorStoreError."""
    groups: defaultdict[tuple[Field, bool], list[str]] = defaultdict(list)
    wanted: list[Lookup] = []
    unwanted: list[Lookup] = []
    for one in question.conditions:
        if one.field:
            groups[one.field, one.excluded].append(one.value)
        else:
            (unwanted if one.excluded else wanted).append(Lookup((one.value,)))
    for (field, excluded), values in groups.items():
        if field is Field.TITLE:
            (unwanted if excluded else wanted).append(Lookup(tuple(values), only_titles=True))
        else:
            points = _points_having(field, values, tenant_id, filter)
            filter = _restricted(filter, points, excluded=excluded)
    finder = PassageFinder(tenant_id=tenant_id, collections=collections, filter=filter)
    return _with_texts(finder, wanted, unwanted)


def _with_texts(finder: PassageFinder, wanted: Sequence[Lookup], unwanted: Sequence[Lookup]) -> Filter:
    """Return the finder's filter, restricted to what the texts have. Raise NothingCanMatch."""
    if wanted:
        found = Filter(point_ids=finder.having(wanted, without=unwanted))
        return _restricted(finder.filter, found, excluded=False)
    found = Filter(point_ids=finder.having_any(unwanted) if unwanted else ())
    return _restricted(finder.filter, found, excluded=True)


def _restricted(filter: Filter, points: Filter, *, excluded: bool) -> Filter:
    """To the points, or to all but them. Raise NothingCanMatch."""
    if points == Filter():
        if excluded:
            return filter
        raise NothingCanMatch
    return (
        replace(filter, never=(*filter.never, points))
        if excluded
        else replace(filter, also=(*filter.also, points))
    )


def _points_having(field: Field, values: Sequence[str], tenant_id: UUID, filter: Filter) -> Filter:
    """Return what selects the points that have one of the values of another field than the title; an empty filter if there
    are none."""
    with tenant_scope(tenant_id):
        match field:
            case Field.LANGUAGE:
                return Filter(languages=tuple({code for value in values if (code := language_named(value))}))
            case Field.TAG:
                tags = Tag.objects.filter(_any_of("tag__iexact", values))
                return Filter(tags_any=tuple(tags.values_list("pk", flat=True)))
            case Field.TYPE:
                documents = _documents(filter).filter(is_of_types(values))
                return Filter(document_ids=tuple(documents.values_list("pk", flat=True)))
            case _:
                return Filter(document_ids=_documents_named(values, filter))


def _documents_named(values: Sequence[str], filter: Filter) -> tuple[UUID, ...]:
    phrases = [Phrase(value) for value in values]
    names = _documents(filter).values_list("pk", "filename").iterator()
    return tuple(pk for pk, name in names if any(phrase.is_in(fold(name)) for phrase in phrases))


def _documents(filter: Filter) -> QuerySet[Document]:
    references = filter.reference_ids
    return Document.objects.filter(reference_id__in=references) if references else Document.objects.all()


def _any_of(lookup: str, values: Sequence[str]) -> Q:
    return reduce(or_, (Q((lookup, value)) for value in values))
