"""Indexing: the points of the new generation are added beside those of the old one, which is found until the new one is
published."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from uuid import UUID

from engines.vectors import Point
from knowledge.metadata import filterable
from knowledge.pipeline.ports import Ports
from knowledge.pipeline.values import Chunked, Tagged

# What separates the words of a file name.
_SEPARATORS = re.compile(r"[_.\-]+")


def index(documents: Sequence[Tagged], *, tenant_id: UUID, ports: Ports) -> None:
    points: list[Point] = []
    for tagged in documents:
        chunked, source = tagged.chunked, tagged.chunked.source
        metadata = filterable(source.metadata, chunked.document.metadata)
        names = _names(chunked)
        for pk, content, language, vector, tags in zip(
            chunked.ids, chunked.contents, chunked.languages, tagged.vectors, tagged.tags, strict=True
        ):
            point = Point(
                id=pk,
                document_id=source.document_id,
                reference_id=source.reference_id,
                generation=source.generation,
                vector=vector,
                text=f"{names}\n{content}",
                language=language,
                tag_ids=tuple(tag.tag_id for tag in tags),
                metadata=metadata,
            )
            points.append(point)
    ports.store.upsert(tenant_id, ports.collection, points)


def _names(document: Chunked) -> str:
    """By which people know the document: each of its passages is found by them, as words."""
    title = document.document.metadata.get("title", "")
    return f"{words_of_name(document.source.filename)}\n{title}"


def words_of_name(filename: str) -> str:
    """The name without its ending, and, if it has separators, once more as words."""
    stem = PurePath(filename).stem
    return "\n".join(dict.fromkeys((stem, _SEPARATORS.sub(" ", stem))))
