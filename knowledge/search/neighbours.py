"""Reading on from a passage: what stands beside it, and which documents there are. To be called inside a scope."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Max, Min

from engines.vectors import Hit
from knowledge.models import Chunk, Document
from knowledge.search.found_chunks import FoundChunk, hydrate


def neighbours_of(
    chunk_ids: Sequence[UUID], *, references: Sequence[UUID], each_side: int
) -> list[FoundChunk]:
    """The chunks directly before and after these of one document, in its order, if it is in one of the references."""
    own = Chunk.objects.filter(pk__in=chunk_ids, document__reference__in=references)
    places = (
        own.order_by().values("document", "generation").annotate(first=Min("position"), last=Max("position"))
    )
    ids: list[UUID] = []
    for place in places[:1]:
        beside = Chunk.objects.filter(
            document=place["document"],
            generation=place["generation"],
            position__gte=place["first"] - each_side,
            position__lte=place["last"] + each_side,
        )
        ids = list(beside.exclude(pk__in=chunk_ids).order_by("position").values_list("pk", flat=True))
    return hydrate([Hit(point_id=pk, score=0.0, scores={}) for pk in ids], len(ids) or 1)


def document_names(references: Sequence[UUID], *, only: Sequence[UUID] | None, limit: int) -> dict[UUID, str]:
    """{id: name} of the first documents of the references, by name; of those in `only`, if it is given."""
    rows = Document.objects.filter(reference__in=references)
    if only is not None:
        rows = rows.filter(pk__in=only)
    return dict(rows.order_by("filename", "pk").values_list("pk", "filename")[:limit])
