"""Types of documents by the names that people have for them: the fields `type` of questions and of filters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, reduce
from operator import or_

from django.db.models import Q

from engines.parsing.formats import FORMATS
from knowledge.search.phrases import fold


def is_of_types(values: Sequence[str]) -> Q:
    """Whether a document's file name ends in ".value", or its content is of the kind that one of the values names."""
    mime_types = {mime_type for value in values for mime_type in _mime_types().get(fold(value), ())}
    endings = reduce(or_, (Q(filename__iendswith=f".{value}") for value in values))
    return Q(mime_type__in=mime_types) | endings


def type_names() -> Iterable[str]:
    return _mime_types().keys()


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
