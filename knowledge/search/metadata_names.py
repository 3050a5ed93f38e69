"""Names of metadata that were probably misspelt in a filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from uuid import UUID

from django.db.models import Func, QuerySet, TextField

from knowledge.metadata import FILE_PREFIX
from knowledge.models import Document
from knowledge.search.filter_language import Comparison, DocumentField, Expression, parse_values
from knowledge.search.filters import SearchFilters
from knowledge.search.warnings import Warn

# The documents whose names are compared: any key may be in any document, and all of them are too many to look at.
NEWEST, MAX_WARNINGS = 1000, 10


def warn_of_unknown_names(filters: SearchFilters, warn: Warn) -> None:
    """Inside a scope, where nothing was found."""
    asked = {*_names((*parse_values(filters.metadata), *filters.where))}
    if not asked:
        return
    known = _known(filters.references)
    for name in sorted(asked - known)[:MAX_WARNINGS]:
        if close := get_close_matches(name, known, n=1):
            warn(f"None of the newest documents has the metadata '{name}'. Did you mean '{close[0]}'?")


def _names(expressions: Iterable[Expression]) -> Iterator[str]:
    for one in expressions:
        if not isinstance(one, Comparison):
            yield from _names(one.parts)
        elif not isinstance(one.key, DocumentField):
            yield one.key


def _known(references: Sequence[UUID] | None) -> set[str]:
    rows = Document.objects.order_by("-created_at")
    if references is not None:
        rows = rows.filter(reference__in=references)
    newest = Document.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:NEWEST])).order_by()
    sources = {"metadata_json": "", "file_metadata_json": FILE_PREFIX}
    return {prefix + name for column, prefix in sources.items() for name in _keys_in(newest, column)}


def _keys_in(rows: QuerySet[Document], column: str) -> QuerySet[Document, str]:
    keys = Func(column, function="jsonb_object_keys", output_field=TextField())
    return rows.annotate(name=keys).values_list("name", flat=True).distinct()
