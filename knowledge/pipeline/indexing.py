"""Points of the new generation, beside those of the old one, which still answer until the flip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from engines.vectors import Point, VectorStore
from knowledge.metadata import filterable
from knowledge.pipeline.values import Tagged


def index(batch: Sequence[Tagged], *, tenant_id: UUID, store: VectorStore, collection: str) -> None:
    store.upsert(tenant_id, collection, [point for tagged in batch for point in points_of(tagged)])


def points_of(tagged: Tagged) -> Iterator[Point]:
    chunked, source = tagged.chunked, tagged.chunked.source
    metadata = filterable(source.metadata, chunked.document.metadata)
    rows = zip(chunked.ids, chunked.contents, tagged.vectors, tagged.tags, strict=True)
    for id_, content, vector, tags in rows:
        yield Point(
            id=id_,
            document_id=source.document_id,
            reference_id=source.reference_id,
            generation=source.generation,
            vector=vector,
            text=content,
            tag_ids=tuple(tag.tag_id for tag in tags),
            metadata=metadata,
        )
